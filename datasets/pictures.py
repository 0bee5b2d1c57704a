"""Safe reading of picture files from strangers: what a file is, its pixels, a smaller version of it.

Taken are JPEG, PNG, WebP, GIF and BMP, told by their first bytes, not by their names. The size is read from the header
before anything is decoded, and a picture above the limit is never decoded at all. Everything that is wrong with a file
is a FormatError of one sentence. Width and height are those that a viewer shows: after EXIF's orientation.

Notes of an accepted picture: `exif_rotated` (stored turned or mirrored), `animated` (the first frame counts), `cmyk`,
`16_bit`, `palette_alpha`, `grey`. `browser_ready` says that a browser shows the file itself, pixel for pixel as
`to_rgba` sees it; otherwise a page needs a copy.
"""

import hashlib
import io
import math
import re
import struct
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from PIL import Image, ImageOps

from datasets.names import post_id_of
from datasets.records import FormatError

Picture: TypeAlias = str | Path | bytes

MAX_MEGAPIXELS: Final = 80.0
MAX_BYTES: Final = 256 * 2**20
# Named in each record whose picture was shrunk: another resampler makes another picture.
RESAMPLER: Final = "pillow-lanczos"
THUMBNAIL_TYPE: Final = "image/jpeg"

_MAGIC: Final = (
    ("JPEG", re.compile(rb"\xff\xd8\xff")),
    ("PNG", re.compile(rb"\x89PNG\r\n\x1a\n")),
    ("WEBP", re.compile(rb"RIFF.{4}WEBP", re.DOTALL)),
    ("GIF", re.compile(rb"GIF8[79]a")),
    ("BMP", re.compile(rb"BM")),
)
_ORIENTATION: Final = 0x0112
# All that Pillow's decoders were seen to raise on damaged files.
_DAMAGE: Final = (
    OSError, SyntaxError, ValueError, KeyError, IndexError, TypeError, AttributeError, EOFError, OverflowError,
    MemoryError, struct.error, zlib.error,
)  # fmt: skip
# What a browser would show otherwise than we read it, or not at all.
_NEEDS_COPY: Final = frozenset({"exif_rotated", "animated", "cmyk", "16_bit"})


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """What a picture file is. width, height: as shown, after orientation. mode: Pillow's, of the stored pixels."""

    format: str
    width: int
    height: int
    mode: str
    num_frames: int
    has_alpha: bool
    sha256: str
    md5: str
    num_bytes: int
    notes: tuple[str, ...]

    @property
    def browser_ready(self) -> bool:
        return self.format != "BMP" and not _NEEDS_COPY.intersection(self.notes)


def inspect_picture(
    picture: Picture, *, name: str | None = None, max_megapixels: float = MAX_MEGAPIXELS
) -> PictureFacts:
    """Decide whether a file is a picture that we take, and say what it is. Decodes it once, to know that it is whole.

    Args:
        name: what to call it in a message; a path's own name by default.
    Raises:
        FormatError: empty, no picture, an unknown format, too large, cut off or damaged.
    """
    name, data = _bytes_of(picture, name)
    with _opened(name, data, max_megapixels) as image:
        format_name, mode, size_wh = str(image.format), image.mode, image.size
        has_alpha = image.has_transparency_data
        try:
            num_frames = int(getattr(image, "n_frames", 1))
            orientation = _orientation(image)
            image.seek(0)
            if format_name == "JPEG":
                # A JPEG decoded to an eighth of its size is still read to its last byte, in a third of the time.
                image.draft("L" if mode == "L" else None, (size_wh[0] // 8 or 1, size_wh[1] // 8 or 1))
            image.load()
            if format_name == "PNG":
                _check_png_chunks(data)
        except (*_DAMAGE, Image.DecompressionBombError) as error:
            raise FormatError(_damage(name, format_name, len(data), error)) from None
    notes = []
    if orientation != 1:
        notes.append("exif_rotated")
    if num_frames > 1:
        notes.append("animated")
    if mode == "CMYK":
        notes.append("cmyk")
    if mode.startswith(("I", "F")) or (format_name == "PNG" and data[24] == 16):
        notes.append("16_bit")
    if mode in ("P", "PA") and has_alpha:
        notes.append("palette_alpha")
    if mode in ("1", "L", "LA", "I", "I;16"):
        notes.append("grey")
    width, height = size_wh[::-1] if orientation >= 5 else size_wh
    return PictureFacts(
        format=format_name,
        width=width,
        height=height,
        mode=mode,
        num_frames=num_frames,
        has_alpha=has_alpha,
        sha256=hashlib.sha256(data).hexdigest(),
        md5=hashlib.md5(data, usedforsecurity=False).hexdigest(),
        num_bytes=len(data),
        notes=tuple(notes),
    )


def to_rgba(picture: Picture, *, name: str | None = None, max_megapixels: float = MAX_MEGAPIXELS) -> Image.Image:
    """A picture's pixels as a viewer shows them: first frame, turned upright, RGBA, eight bits a channel.

    Raises:
        FormatError: as inspect_picture.
    """
    name, data = _bytes_of(picture, name)
    with _opened(name, data, max_megapixels) as image:
        try:
            image.load()
            if _orientation(image) != 1:
                upright = ImageOps.exif_transpose(image)
                upright.info.setdefault("transparency", image.info.get("transparency"))
                if upright.info["transparency"] is None:
                    del upright.info["transparency"]
                return _rgba(upright)
            return _rgba(image)
        except (*_DAMAGE, Image.DecompressionBombError) as error:
            raise FormatError(_damage(name, str(image.format), len(data), error)) from None


def fitted_size(size_wh: tuple[int, int], frame_wh: tuple[int, int]) -> tuple[int, int]:
    """The size that a picture takes within a frame: shrunk where larger, never enlarged, halves rounded up.

    The rule of ImageMagick's `-resize 800x600>`, which ADD's own download script uses: a 1080 x 1920 screen becomes
    338 x 600, of 337.5.
    """
    width, height = size_wh
    if width <= frame_wh[0] and height <= frame_wh[1]:
        return size_wh
    scale = min(frame_wh[0] / width, frame_wh[1] / height)
    return max(1, math.floor(scale * width + 0.5)), max(1, math.floor(scale * height + 0.5))


def fit_within(image: Image.Image, frame_wh: tuple[int, int]) -> Image.Image:
    """A picture shrunk to a frame (see fitted_size) by RESAMPLER; the picture itself where it fits already."""
    size_wh = fitted_size(image.size, frame_wh)
    # Pillow weighs colours by their alpha while it resizes RGBA, so nothing of the hidden colours bleeds in.
    return image if size_wh == image.size else image.resize(size_wh, Image.Resampling.LANCZOS)


def thumbnail(picture: Picture, max_side: int = 512, *, name: str | None = None) -> bytes:
    """A small JPEG of a picture (THUMBNAIL_TYPE), upright, on white where it is transparent, never enlarged.

    Raises:
        FormatError: as inspect_picture, except that a file cut off late may pass: this is for files already inspected.
    """
    name, data = _bytes_of(picture, name)
    with _opened(name, data, MAX_MEGAPIXELS) as image:
        format_name, mode = image.format, image.mode
    if format_name == "BMP" or mode == "CMYK":  # libvips has no BMP, and needs colour profiles for CMYK
        return _thumbnail_by_pillow(to_rgba(data, name=name), max_side)
    import pyvips  # 0.1 s, which a process that makes no thumbnails need not pay

    try:
        small = pyvips.Image.thumbnail_buffer(data, max_side, height=max_side, size="down")
        if small.hasalpha():
            small = small.flatten(background=[255, 255, 255])
        return small.cast("uchar").jpegsave_buffer(Q=85, keep="none", optimize_coding=True)
    except pyvips.Error as error:
        first_line = str(error).strip().splitlines()[-1]
        raise FormatError(f"{name}: cannot be decoded ({first_line}), expected a complete {format_name}") from None


def _thumbnail_by_pillow(image: Image.Image, max_side: int) -> bytes:
    small = fit_within(image, (max_side, max_side))
    on_white = Image.new("RGB", small.size, "white")
    on_white.paste(small, mask=small.getchannel("A"))
    out = io.BytesIO()
    on_white.save(out, "JPEG", quality=85, optimize=True)
    return out.getvalue()


def _bytes_of(picture: Picture, name: str | None) -> tuple[str, bytes]:
    if isinstance(picture, bytes):
        return name or "picture", picture
    path = Path(picture)
    name = name or path.name
    try:
        num_bytes = path.stat().st_size
        if num_bytes > MAX_BYTES:
            raise FormatError(f"{name}: is {num_bytes:,} bytes long, expected at most {MAX_BYTES:,}")
        return name, path.read_bytes()
    except OSError as error:
        raise FormatError(f"{name}: cannot be read ({error.strerror or error}), expected a picture file") from None


def _opened(name: str, data: bytes, max_megapixels: float) -> Image.Image:
    """Open a picture far enough to know its size, and refuse it where that is too large. Decodes no pixel."""
    if not data:
        raise FormatError(f"{name}: is empty (0 bytes), expected a picture")
    format_name = next((format_name for format_name, magic in _MAGIC if magic.match(data)), None)
    if format_name is None:
        raise FormatError(f"{name}: {_beginning(data)}, expected a JPEG, PNG, WebP, GIF or BMP picture")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of what we decide here
            image = Image.open(io.BytesIO(data), formats=[format_name])
    except Image.DecompressionBombError as error:
        pixels = re.search(r"\d+", str(error))
        found = f"has {int(pixels[0]) / 1e6:,.0f} megapixels" if pixels else "is far too large"
        raise FormatError(f"{name}: {found}, expected at most {max_megapixels:g}") from None
    except _DAMAGE as error:
        raise FormatError(_damage(name, format_name, len(data), error)) from None
    width, height = image.size
    if width * height > max_megapixels * 1e6:
        found = f"is {width} x {height}, {width * height / 1e6:,.0f} megapixels"
        raise FormatError(f"{name}: {found}, expected at most {max_megapixels:g}")
    return image


def _check_png_chunks(data: bytes) -> None:
    """Raise ValueError where a chunk that matters fails its checksum: a browser stops there, Pillow does not look."""
    start = 8
    while start < len(data):
        length, kind = struct.unpack_from(">I4s", data, start)
        end = start + 8 + length
        if kind[:1].isupper() and struct.unpack_from(">I", data, end)[0] != zlib.crc32(data[start + 4 : end]):
            raise ValueError(f"wrong checksum of the {kind.decode('latin-1')} chunk at byte {start}")
        if kind == b"IEND":
            return
        start = end + 4
    raise ValueError("no IEND chunk")


def _beginning(data: bytes) -> str:
    start = data[:256].lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "is a web page (HTML)"
    if start.startswith((b"<?xml", b"<svg")):
        return "is an XML or SVG file"
    return f"begins with the bytes {data[:8].hex(' ')}"


def _damage(name: str, format_name: str, num_bytes: int, error: BaseException) -> str:
    reason = " ".join(str(error).split()).replace("<_io.BytesIO object at", "<") or type(error).__name__
    reason = "no header" if "cannot identify image file" in reason else reason
    return f"{name}: is cut off or damaged after {num_bytes:,} bytes ({reason}), expected a complete {format_name}"


def _orientation(image: Image.Image) -> int:
    """EXIF's orientation, 1 (upright) to 8; 1 where there is none or it makes no sense."""
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except _DAMAGE:
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _rgba(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        # Pillow would clip 16-bit grey at 255; the high byte is what it takes of 16-bit colour.
        grey = np.asarray(image).astype(np.int64).clip(0, 65535) >> 8
        return Image.fromarray(grey.astype(np.uint8)).convert("RGBA")
    if image.mode == "CMYK":
        return image.convert("RGB").convert("RGBA")
    return image.convert("RGBA")


__all__ = [
    "MAX_BYTES", "MAX_MEGAPIXELS", "RESAMPLER", "THUMBNAIL_TYPE", "Picture", "PictureFacts", "fit_within",
    "fitted_size", "inspect_picture", "post_id_of", "thumbnail", "to_rgba",
]  # fmt: skip
