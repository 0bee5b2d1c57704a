"""Pictures into a project: tied to their records by id, kept by digest, shrunk once where the source's rule says so.

`1154928.jpg` and Danbooru's tree `0928/1154928.jpg` belong to post 1154928; any other name is tied to the record of
that file name, or becomes an image of its own. A record whose coordinates live in a shrunk frame (ADD: fit into
800 x 600) gets the shrunk picture; the original's MD5 and size stay as facts. Each picture is one transaction: what was
taken in before a full disk or a kill stays.
"""

import hashlib
import io
import os
import stat
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from curator.blobs import store_blob
from curator.errors import BadInput
from curator.imports import ImportReport, printable
from curator.media import COPY_TYPE, MEDIA_TYPES, picture_path
from curator.project import DATABASE_NAME, Project
from curator.store import annotations, images, work
from curator.store.database import Database
from curator.store.images import StoredImage
from curator.store.users import IMPORT_ACTOR_ID
from curator.store.work import ALPHA, StoredPrediction
from datasets.masks import alpha_box_xywh
from datasets.names import post_id_of
from datasets.pictures import MAX_BYTES, RESAMPLER, PictureFacts, fit_within, fitted_size, inspect_picture, to_rgba
from datasets.records import FormatError, ImageRecord

NO_PICTURE = frozenset({".json", ".txt", ".csv", ".md", ".xml", ".yaml", ".yml", ".toml"})
# A fitted size may differ by a pixel from the record's where somebody's rounding was another.
SIZE_TOLERANCE_PX = 1


def import_images(
    project: Project, folder: Path, *, link: bool = False, progress: Callable[[int, int], None] | None = None
) -> ImportReport:
    """Take in every picture below a folder.

    Args:
        link: leave files where they are and remember the path; one that must be shrunk is kept by us all the same.
        progress: called with (done, all).
    Raises:
        BadInput: no such folder. CuratorError: the disk is full; the pictures before stay.
    """
    if not folder.is_dir():
        raise BadInput(f"{folder}: no such folder")
    report = ImportReport()
    db = project.db
    files = list(_files(folder, report))
    bare_names = Counter(path.name for path in files)
    with db.atomic():
        import_id = work.insert_import(db, "images", printable(folder.name), IMPORT_ACTOR_ID)
    served: dict[int, str] = {}
    for done, path in enumerate(files, start=1):
        name = path.relative_to(folder).as_posix()
        try:
            content = _read(path, name)
            image = _record_of(db, name, is_only=bare_names[path.name] == 1)
            if image is not None and served.setdefault(image.id, name) != name:
                raise FormatError(f"{name}: belongs to the same record as {served[image.id]}, expected one file each")
            image_id = _import_picture(
                project, db, path, name, content, image, link=link, import_id=import_id, report=report
            )
            served[image_id] = name
        except FormatError as error:
            report.refuse(name, str(error))
        except OSError as error:
            report.refuse(name, f"{name}: cannot be read ({error.strerror or error})")
        if progress is not None:
            progress(done, len(files))
    with db.atomic():
        counts = {key: getattr(report, key) for key in ("added", "updated", "unchanged")}
        work.finish_import(db, import_id, {**counts, "refused": len(report.refused), "flagged": len(report.flagged)})
    return report


def _files(folder: Path, report: ImportReport) -> Iterator[Path]:
    """Files in the order of their names, hidden ones and plain texts left out.

    Folders that cannot be read or are projects are refused by name, links to folders are flagged and not followed.
    """

    def name_of(path: str | Path) -> str:
        return Path(path).relative_to(folder).as_posix()

    def unreadable(error: OSError) -> None:
        name = name_of(error.filename)
        report.refuse(name, f"{name}: the folder cannot be read ({error.strerror})")

    for parent, folders, names in os.walk(folder, onerror=unreadable):
        if DATABASE_NAME in names:
            report.refuse(
                name_of(parent), f"{name_of(parent)}: is a project's own folder, expected a folder of pictures"
            )
            folders.clear()
            continue
        for name in folders:
            if (Path(parent) / name).is_symlink():
                report.flag(name_of(Path(parent) / name), "linked_folder")
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith(".") and Path(name).suffix.lower() not in NO_PICTURE:
                yield Path(parent) / name


def _read(path: Path, name: str) -> bytes:
    try:
        os.path.relpath(path.absolute()).encode()
    except UnicodeEncodeError:
        raise FormatError(f"{name}: its name is no Unicode, expected one; rename the file") from None
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise FormatError(f"{name}: is a pipe or a device, expected a picture file")
    if status.st_size > MAX_BYTES:
        raise FormatError(f"{name}: is {status.st_size:,} bytes long, expected at most {MAX_BYTES:,}")
    return path.read_bytes()


def _import_picture(
    project: Project,
    db: Database,
    path: Path,
    name: str,
    content: bytes,
    image: StoredImage | None,
    *,
    link: bool,
    import_id: int,
    report: ImportReport,
) -> int:
    """Take one picture in; returns its image's id."""
    if image is not None and _is_here(project, image, content, link=link):
        report.unchanged += 1
        return image.id
    facts = inspect_picture(content, name=name)
    original = facts
    record = image.record if image is not None else _new_record(name, facts)
    expected = (record.digest, record.original_md5)
    content, facts, resampler = _in_frame(record, content, facts, name)
    if any(expected) and not {original.sha256, original.md5, facts.sha256} & {*expected}:
        raise FormatError(f"{name}: is another picture than its record's, expected the same bytes as before")
    is_linked = link and resampler is None
    if not is_linked:
        store_blob(project, facts.sha256, content)
    # The kernel resolves `..` from the real folder, so both ends must be real ones.
    link_path = os.path.relpath(path.parent.resolve() / path.name, project.root) if is_linked else None
    image_id = _store(db, image, record, facts, content, import_id, link_path=link_path, resampler=resampler)
    for note in facts.notes:
        report.flag(name, note)
    if image is None:
        report.added += 1
    else:
        report.updated += 1
    return image_id


def _record_of(db: Database, name: str, *, is_only: bool) -> StoredImage | None:
    """The image that a file belongs to: by post id, by its path in the folder, by its bare name.

    An annotated image is preferred to one that is only a picture. The bare name counts only where no other file of
    the folder has it (`is_only`), and only for an annotated image: two covers in two folders are two pictures.
    """
    post_id = post_id_of(name)
    keys = [("danbooru", post_id)] if post_id is not None else []
    exact = [image for key in [*keys, ("file", name)] if (image := images.find_image(db, *key)) is not None]
    by_name = images.find_image(db, "file", Path(name).name) if is_only else None
    found = [image for image in [*exact, by_name] if image is not None and annotations.annotations_of(db, image.id)]
    return next(iter([*found, *exact]), None)


def _new_record(name: str, facts: PictureFacts) -> ImageRecord:
    post_id = post_id_of(name)
    # Frames of a film are called 0001.png as well: unasked, only Danbooru's own tree or a long bare number is a post.
    is_post = post_id is not None and (
        Path(name).parent.name == f"{int(post_id) % 1000:04d}" or (len(post_id) >= 4 and Path(name).stem == post_id)
    )
    source, source_id = ("danbooru", post_id) if is_post and post_id is not None else ("file", name)
    return ImageRecord(file_name=name, width=facts.width, height=facts.height, source=source, source_id=source_id)


def _is_here(project: Project, image: StoredImage, content: bytes, *, link: bool) -> bool:
    """Whether these very bytes are an image's picture already, kept as asked, and the file is really there."""
    path = picture_path(project, image)
    if path is None or not path.is_file() or (image.link_path is not None and not link):
        return False
    if image.record.digest == hashlib.sha256(content).hexdigest():
        return True
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    return image.resampler is not None and image.record.original_md5 == md5


def _in_frame(
    record: ImageRecord, content: bytes, facts: PictureFacts, name: str
) -> tuple[bytes, PictureFacts, str | None]:
    """The picture in the frame of the record's coordinates: as it is, or shrunk by the source's rule.

    Fills the record's size where it was unknown, and the original's facts where it was shrunk.
    """
    original_md5, original_wh = facts.md5, (facts.width, facts.height)
    resampler = None
    fits = record.fit_wh is None or (facts.width <= record.fit_wh[0] and facts.height <= record.fit_wh[1])
    if not fits:
        shrunk = _shrunk(to_rgba(content), record)
        buffer = io.BytesIO()
        (shrunk if facts.has_alpha else shrunk.convert("RGB")).save(buffer, "PNG")
        content = buffer.getvalue()
        facts = inspect_picture(content, name=name)
        resampler = RESAMPLER
    if record.width is None or record.height is None:
        record.width, record.height = facts.width, facts.height
        record.flags = [flag for flag in record.flags if flag != "size_unknown"]
    elif (record.width, record.height) != (facts.width, facts.height):
        raise FormatError(
            f"{name}: is {facts.width} x {facts.height}, expected the record's {record.width} x {record.height}:"
            " not the picture that was annotated"
        )
    record.digest = facts.sha256
    record.original_md5, record.original_wh = original_md5, original_wh
    return content, facts, resampler


def _shrunk(picture: Image.Image, record: ImageRecord) -> Image.Image:
    """The picture shrunk by the record's rule; to the record's own size where that is the same but for rounding."""
    assert record.fit_wh is not None
    if record.width is not None and record.height is not None:
        width, height = fitted_size(picture.size, record.fit_wh)
        if max(abs(record.width - width), abs(record.height - height)) <= SIZE_TOLERANCE_PX:
            return picture.resize((record.width, record.height), Image.Resampling.LANCZOS)
    return fit_within(picture, record.fit_wh)


def _store(
    db: Database,
    image: StoredImage | None,
    record: ImageRecord,
    facts: PictureFacts,
    content: bytes,
    import_id: int,
    *,
    link_path: str | None,
    resampler: str | None,
) -> int:
    box = None
    if facts.has_alpha:
        box = alpha_box_xywh(np.asarray(to_rgba(content))[..., 3], 127)
        if box is not None and box[2:] == [facts.width, facts.height]:
            box = None  # opaque all over: the picture has an alpha channel, the character no outline
    with db.atomic():
        if image is None:
            image_id = images.insert_image(db, record, import_id)
        else:
            image_id = image.id
            images.update_image(db, image_id, record)
        images.set_bytes(
            db,
            image_id,
            digest=facts.sha256,
            media_type=MEDIA_TYPES[facts.format],
            shown_as=None if facts.browser_ready else COPY_TYPE,
            link_path=link_path,
            resampler=resampler,
        )
        characters = annotations.annotations_of(db, image_id)
        if box is not None and len(characters) == 1:
            prediction = StoredPrediction(
                characters[0].id, ALPHA, "alpha-1", {}, {"bbox_xywh": [float(v) for v in box], "source": "alpha"}
            )
            work.insert_predictions(db, [(image_id, prediction)])
    return image_id
