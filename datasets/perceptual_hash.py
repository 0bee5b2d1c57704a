"""What a picture looks like, in bits: a digest of its pixels, and hashes that survive what people do to drawings.

The hash holds the signs of the 256 lowest frequencies of the picture's brightness (DCT, without its mean), lowest
first. It survives another size, another compression and other colours; two hashes are compared by how many bits differ.

- alpha-safe: a transparent picture is laid on white first, as pages show it, so what hides under alpha 0 counts
  nowhere; where a picture is transparent, its alpha plane has a hash of its own (one silhouette in other clothes).
- mirror-safe: mirroring a picture turns the sign of every odd horizontal frequency and nothing else, so the mirrored
  hash is the hash with those bits turned (`mirrored`): nothing is computed or stored twice.
- crop-safe: a cut border moves everything, and the signs with it. `windows` are the hashes of nine windows into the
  picture, each 5 % smaller: a cropped copy is near one of them.
- blank pictures (one colour, white lines on white) have no hash: all blanks would be each other's duplicates.

Which distance means what is decided in `duplicate_groups`; many hashes are searched in `hash_index`.

Source: of sign-only DCT hashes, Arnia, Iizuka, Fujiyoshi, Kiya 2008, "Fast and robust identification methods for JPEG
images with various compression ratios"; of the DCT hash, Zauner 2010, "Implementation and benchmarking of perceptual
image hash functions".
"""

import hashlib
from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import Image

HASH_BITS: Final = 256
HASH_BYTES: Final = HASH_BITS // 8
# Stored beside every hash: hashes of another kind are not comparable. Change it with anything below.
HASH_NAME: Final = "dct-sign-256/1"

WINDOW_SHARE: Final = 0.95
WINDOW_OFFSETS: Final = (0.0, 0.5, 1.0)
NUM_WINDOWS: Final = len(WINDOW_OFFSETS) ** 2

_SIDE: Final = 64  # pixels that a picture is shrunk to, by area, before its frequencies are taken
_NUM_FREQUENCIES: Final = 23  # a row: the 256 lowest have a sum of at most 22
# A standard deviation of brightness, in grey levels of the 64 x 64 picture, below which nothing can be seen in it.
_BLANK_DEVIATION: Final = 1.5
_WHITE: Final = (255, 255, 255, 255)


@dataclass(frozen=True, slots=True)
class PictureHashes:
    """What is known of a picture's looks.

    pixel_digest: BLAKE2b-128 (hex) of size and shown pixels. brightness: HASH_BYTES, None where it is blank.
    alpha: HASH_BYTES, None where the picture is opaque or the plane says nothing. windows: NUM_WINDOWS hashes of
    brightness, without those that are blank.
    """

    pixel_digest: str
    brightness: bytes | None
    alpha: bytes | None
    windows: tuple[bytes, ...]

    @property
    def is_blank(self) -> bool:
        return self.brightness is None


def hash_picture(rgba: Image.Image | np.ndarray) -> PictureHashes:
    """Hash a picture's upright RGBA pixels, as `pictures.to_rgba` gives them.

    Args:
        rgba: an RGBA picture, or its (H, W, 4) uint8 pixels.
    Raises:
        ValueError: not RGBA, or without a pixel.
    """
    picture = _rgba(rgba)
    on_white = Image.new("RGBA", picture.size, _WHITE)
    on_white.alpha_composite(picture)
    grey, alpha = on_white.convert("L"), picture.getchannel("A")
    planes = [grey.resize((_SIDE, _SIDE), Image.Resampling.BOX)]
    planes += [
        grey.resize((_SIDE, _SIDE), Image.Resampling.BOX, box=box)
        for box in _window_boxes(picture.width, picture.height)
    ]
    brightness, *windows = [_hash_plane(plane) for plane in planes]
    alpha_hash = None
    if alpha.getextrema() != (255, 255):
        alpha_hash = _hash_plane(alpha.resize((_SIDE, _SIDE), Image.Resampling.BOX))
    return PictureHashes(
        pixel_digest(picture), brightness, alpha_hash, tuple(window for window in windows if window is not None)
    )


def pixel_digest(rgba: Image.Image | np.ndarray) -> str:
    """The digest of what a picture shows: the same for a PNG and a WebP of the same pixels, whatever lies at alpha 0.

    Raises:
        ValueError: not RGBA, or without a pixel.
    """
    picture = _rgba(rgba)
    pixels = np.array(picture)
    pixels[pixels[..., 3] == 0] = 0
    digest = hashlib.blake2b(f"rgba {picture.width} {picture.height} ".encode(), digest_size=16)
    digest.update(pixels.data)
    return digest.hexdigest()


def mirrored(hashes: np.ndarray) -> np.ndarray:
    """The hashes of the mirrored pictures: (..., HASH_BYTES) uint8 in and out; twice is the same again."""
    return hashes ^ _MIRROR_MASK


def packed(hashes: list[bytes]) -> np.ndarray:
    """(N, HASH_BYTES) uint8 of N hashes.

    Raises:
        ValueError: a hash of another length.
    """
    wrong = next((value for value in hashes if len(value) != HASH_BYTES), None)
    if wrong is not None:
        raise ValueError(f"a hash has {len(wrong)} bytes, expected {HASH_BYTES} ({HASH_NAME})")
    return np.frombuffer(b"".join(hashes), np.uint8).reshape(-1, HASH_BYTES)


def distance(one: bytes, other: bytes) -> int:
    """How many bits of two hashes differ."""
    return (int.from_bytes(one) ^ int.from_bytes(other)).bit_count()


def _rgba(rgba: Image.Image | np.ndarray) -> Image.Image:
    if isinstance(rgba, np.ndarray):
        if rgba.ndim != 3 or rgba.shape[2] != 4 or rgba.dtype != np.uint8:
            raise ValueError(f"pixels are {rgba.shape} {rgba.dtype}, expected (H, W, 4) uint8")
        rgba = Image.fromarray(rgba)
    if rgba.mode != "RGBA":
        raise ValueError(f"the picture is {rgba.mode}, expected RGBA")
    if not rgba.width or not rgba.height:
        raise ValueError(f"the picture is {rgba.width} x {rgba.height}, expected at least one pixel")
    return rgba


def _window_boxes(width: int, height: int) -> list[tuple[float, float, float, float]]:
    wide, high = width * WINDOW_SHARE, height * WINDOW_SHARE
    return [
        (x, y, x + wide, y + high)
        for y in ((height - high) * offset for offset in WINDOW_OFFSETS)
        for x in ((width - wide) * offset for offset in WINDOW_OFFSETS)
    ]


def _hash_plane(plane: Image.Image) -> bytes | None:
    """The signs of a 64 x 64 plane's lowest frequencies, packed; None where it is flat."""
    values = np.asarray(plane, np.float64)
    if values.std() < _BLANK_DEVIATION:
        return None
    frequencies = (_COSINES @ values @ _COSINES.T)[_ROWS, _COLUMNS]
    return np.packbits(frequencies > 0).tobytes()


def _cosines() -> np.ndarray:
    """(frequencies, side) the rows of the DCT-II, unscaled: only signs count."""
    places = 2 * np.arange(_SIDE) + 1
    return np.cos(np.pi * np.arange(_NUM_FREQUENCIES)[:, None] * places[None] / (2 * _SIDE))


def _lowest_frequencies() -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the HASH_BITS lowest frequencies without the mean, the lowest first."""
    pairs = [(row, column) for row in range(_NUM_FREQUENCIES) for column in range(_NUM_FREQUENCIES) if row + column]
    pairs.sort(key=lambda pair: (sum(pair), max(pair), pair))
    rows, columns = np.array(pairs[:HASH_BITS]).T
    return rows, columns


_COSINES: Final = _cosines()
_ROWS, _COLUMNS = _lowest_frequencies()
_MIRROR_MASK: Final = np.packbits(_COLUMNS % 2 == 1)
