"""Where a project stands, in the shape that scripts rely on."""

from typing import Any

from curator.project import Project
from curator.store import annotations, images, queues


def status(project: Project) -> dict[str, Any]:
    """images, annotations, keypoints (name -> state -> count), queues (name -> how many can be dealt), and more."""
    db = project.db
    counts = images.count_images(db)
    sizes = {name: queues.count_queue(db, queue) for name, queue in queues.QUEUES.items()}
    return {
        "project": project.name,
        "images": counts["images"],
        "images_with_bytes": counts["with_bytes"],
        "removed": counts["removed"],
        "annotations": annotations.count_annotations(db),
        "keypoints": annotations.keypoint_counts(db),
        "queues": {name: size.size for name, size in sizes.items()},
        "waiting_for_bytes": {name: size.waiting_for_bytes for name, size in sizes.items()},
        "skipped": {name: size.skipped for name, size in sizes.items()},
    }
