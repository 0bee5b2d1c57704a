"""Taking an image out of the dataset with a reason, and putting it back: one revision each, reversible for ever."""

from curator.store import images, revisions
from curator.store.database import Database
from curator.store.images import StoredImage


def set_removal(db: Database, image: StoredImage, reason: str | None, *, change_id: str, actor_id: int) -> None:
    """Store a removal (or with None its end) with its revision; inside the caller's transaction."""
    revision_id = revisions.insert_revision(
        db,
        change_id=change_id,
        image_id=image.id,
        annotation_id=None,
        action="restore" if reason is None else "remove",
        base_version=1,
        version=1,
        actor_id=actor_id,
        before={"removal": image.record.removal},
        after={"removal": reason},
    )
    if reason is None:
        images.delete_removal(db, image.id)
    else:
        images.insert_removal(db, image.id, reason, revision_id)
