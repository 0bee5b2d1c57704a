"""From a digest to the file that holds the picture, for whoever serves or reads it.

What a browser would show otherwise than we read it (CMYK, 16 bits, turned by EXIF, animated, BMP) is shown as a PNG
copy in `cache/shown`, made when first asked for and safe to delete.
"""

import io
import re
from pathlib import Path
from typing import Final

from curator.blobs import blob_path
from curator.errors import NotFound
from curator.project import Project
from curator.store import images
from curator.store.images import StoredImage
from datasets.output import write_whole
from datasets.pictures import to_rgba

MEDIA_TYPES: Final = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "GIF": "image/gif",
    "BMP": "image/bmp",
}
COPY_TYPE: Final = "image/png"
_DIGEST = re.compile(r"[0-9a-f]{64}")


def picture_path(project: Project, image: StoredImage) -> Path | None:
    """Where an image's picture lies: in the blobs, or in place when it was linked; None before its bytes arrive."""
    if image.media_type is None or image.record.digest is None:
        return None
    if image.link_path is not None:
        return project.root / image.link_path
    return blob_path(project, image.record.digest)


def picture_file(project: Project, digest: str) -> tuple[Path, str]:
    """The file to show for the picture with that SHA-256, and its media type.

    Raises:
        NotFound: no such picture in the project, or its file is gone.
    """
    if not _DIGEST.fullmatch(digest):
        raise NotFound(f"{digest[:80]!r} is not a picture's digest (64 hexadecimal digits)")
    image = images.image_by_digest(project.db, digest)
    path = None if image is None else picture_path(project, image)
    if image is None or path is None or not path.is_file() or image.media_type is None:
        raise NotFound(f"no picture with the digest {digest[:12]}... is in this project")
    if image.shown_as is None:
        return path, image.media_type
    return _copy_to_show(project, digest, path), image.shown_as


def _copy_to_show(project: Project, digest: str, path: Path) -> Path:
    copy = project.cache / "shown" / f"{digest}.png"
    if not copy.is_file():
        buffer = io.BytesIO()
        to_rgba(path).save(buffer, "PNG")
        copy.parent.mkdir(parents=True, exist_ok=True)
        with write_whole(copy) as file:
            file.write(buffer.getvalue())
    return copy


def media_url(image: StoredImage) -> str | None:
    """Where the web application serves an image's picture."""
    return None if image.media_type is None or image.record.digest is None else f"/media/{image.record.digest}"
