"""Masks as COCO writes them: polygons, uncompressed and compressed RLE. The one door to `pycocotools.mask`.

pycocotools trusts its input: a bad string reads past its end, a far-away corner costs gigabytes. Everything is checked
here first, and refused as a FormatError that is the rest of a sentence ("segmentation has ...").

H, W: rows and columns of the picture; RLE runs down the columns, as COCO's does.
"""

from typing import Any, Final

import numpy as np
from pycocotools import mask as coco_mask

from datasets.records import FormatError, Number

# Beyond this a mask is no picture of ours; pycocotools' 32-bit counts would overflow at 4 gigapixels.
MAX_PIXELS: Final = 200_000_000
MAX_COORDINATE: Final = 100_000  # an edge is walked pixel by pixel, five steps each


def check_segmentation(segmentation: Any) -> None:
    """Raise FormatError where a segmentation has not the shape of polygons or RLE. Cheap: nothing is rasterised."""
    if isinstance(segmentation, list):
        for number, polygon in enumerate(segmentation):
            if not isinstance(polygon, list):
                raise FormatError(
                    f"segmentation[{number}] is {type(polygon).__name__}, expected a polygon [x1, y1, x2, y2, ...]"
                )
            if len(polygon) % 2:
                raise FormatError(f"segmentation[{number}] has {len(polygon)} numbers, expected x, y pairs")
            if not set(map(type, polygon)) <= {int, float}:
                raise FormatError(f"segmentation[{number}] holds something that is no number, expected x, y pairs")
        return
    if not isinstance(segmentation, dict):
        raise FormatError(f"segmentation is {type(segmentation).__name__}, expected polygons or an RLE object")
    _check_rle(segmentation)


def mask_area(segmentation: Any, size_wh: tuple[int | None, int | None]) -> int | None:
    """Pixels that a segmentation covers; None where it is no mask (no polygon of three corners, RLE of no picture).

    Polygons are drawn by pycocotools' own rules, into a frame that holds them where the picture's size is unknown.
    """
    rle = _as_rle(segmentation, size_wh)
    return None if rle is None else int(coco_mask.area(rle))


def mask_box_xywh(segmentation: Any, size_wh: tuple[int | None, int | None]) -> list[int] | None:
    """The tight box of a segmentation, [x, y, w, h] in whole pixels; None where it covers nothing."""
    rle = _as_rle(segmentation, size_wh)
    if rle is None or not coco_mask.area(rle):
        return None
    if isinstance(segmentation, list):
        # pycocotools keeps a polygon's pixels, so the box of those is what the mask shows.
        return alpha_box_xywh(coco_mask.decode(rle))
    return [int(value) for value in coco_mask.toBbox(rle)]


def alpha_box_xywh(alpha: np.ndarray, threshold: int = 0) -> list[int] | None:
    """The tight box of everything in an (H, W) alpha channel above a threshold; None where there is nothing."""
    above = np.asarray(alpha) > threshold
    rows, columns = np.flatnonzero(above.any(axis=1)), np.flatnonzero(above.any(axis=0))
    if not len(rows):
        return None
    x, y = int(columns[0]), int(rows[0])
    return [x, y, int(columns[-1]) - x + 1, int(rows[-1]) - y + 1]


def alpha_to_rle(alpha: np.ndarray, threshold: int = 0) -> dict[str, Any]:
    """Compressed RLE, as COCO files hold it, of all pixels of an (H, W) alpha channel above a threshold.

    Returns:
        {"size": [H, W], "counts": text}.
    Raises:
        ValueError: not an (H, W) array, or an empty one.
    """
    alpha = np.asarray(alpha)
    if alpha.ndim != 2 or not alpha.size:
        raise ValueError(f"alpha has shape {alpha.shape}, expected (H, W)")
    rle = coco_mask.encode(np.asfortranarray(alpha > threshold, dtype=np.uint8))
    return {"size": [int(side) for side in rle["size"]], "counts": rle["counts"].decode("ascii")}


def segmentation_to_mask(segmentation: Any, size_wh: tuple[int, int]) -> np.ndarray:
    """Draw a segmentation: (H, W) uint8, 1 inside and 0 outside. Raises FormatError where it is no mask."""
    rle = _as_rle(segmentation, size_wh)
    if rle is None:
        raise FormatError("segmentation has no polygon of three corners and no RLE, expected a mask")
    try:
        return coco_mask.decode(rle)
    except ValueError:
        raise FormatError(f"segmentation has runs that do not fill its size {rle['size']}, expected H x W") from None


def _as_rle(segmentation: Any, size_wh: tuple[int | None, int | None]) -> dict[str, Any] | None:
    """pycocotools' compressed RLE (counts as bytes) of any segmentation, checked; None where it is no mask."""
    try:
        if segmentation is None:
            return None
        check_segmentation(segmentation)
        if isinstance(segmentation, list):
            return _polygons_to_rle(segmentation, size_wh)
    except FormatError:
        return None
    height, width = segmentation["size"]
    counts = segmentation["counts"]
    if isinstance(counts, list):
        rle = coco_mask.frPyObjects({"size": [height, width], "counts": counts}, height, width)
        return rle
    return {"size": [height, width], "counts": counts.encode("ascii")}


def _polygons_to_rle(polygons: list[list[Number]], size_wh: tuple[int | None, int | None]) -> dict[str, Any] | None:
    drawable = [polygon for polygon in polygons if len(polygon) >= 6]
    if not drawable:
        return None
    # An int may be too long for a float; numpy would raise, so the comparison comes first.
    if not all(-MAX_COORDINATE <= value <= MAX_COORDINATE for polygon in drawable for value in polygon):
        return None
    width, height = size_wh
    if not width or not height:
        width = int(max(max(polygon[0::2]) for polygon in drawable)) + 1
        height = int(max(max(polygon[1::2]) for polygon in drawable)) + 1
    if width <= 0 or height <= 0 or width * height > MAX_PIXELS:
        return None
    as_floats = [[float(value) for value in polygon] for polygon in drawable]
    return coco_mask.merge(coco_mask.frPyObjects(as_floats, height, width))


def _check_rle(rle: dict[str, Any]) -> None:
    size, counts = rle.get("size"), rle.get("counts")
    if not isinstance(size, list) or len(size) != 2 or any(type(side) is not int or side <= 0 for side in size):
        raise FormatError(f"segmentation.size is {size!r}, expected [height, width]")
    pixels = size[0] * size[1]
    if pixels > MAX_PIXELS:
        raise FormatError(f"segmentation.size is {size!r}, expected at most {MAX_PIXELS // 1_000_000} megapixels")
    if isinstance(counts, list):
        if any(type(count) is not int or count < 0 for count in counts):
            raise FormatError("segmentation.counts holds something else, expected whole numbers from 0 up")
        total = sum(counts)
    elif isinstance(counts, str):
        total = _compressed_total(counts)
    else:
        raise FormatError(f"segmentation.counts is {type(counts).__name__}, expected a string or a list of numbers")
    if total != pixels:
        raise FormatError(f"segmentation.counts covers {total} pixels, expected {pixels} ({size[0]} x {size[1]})")


def _compressed_total(counts: str) -> int:
    """Pixels that a compressed RLE runs over, read as pycocotools would, but never past the end.

    Each number is a row of 6-bit characters (code minus 48): five bits of value, the lowest first, and 32 for "more
    follows"; the last one's bit 16 is the sign. From the fourth run on it is the difference to the run two before.
    """
    try:
        codes = np.frombuffer(counts.encode("ascii"), dtype=np.uint8).astype(np.int64) - 48
    except UnicodeEncodeError:
        raise FormatError("segmentation.counts has characters of no RLE, expected compressed counts") from None
    if not len(codes) or codes.min() < 0 or codes.max() > 63 or codes[-1] & 32:
        raise FormatError("segmentation.counts is cut off or has characters of no RLE, expected compressed counts")
    is_last = (codes & 32) == 0
    ends = np.flatnonzero(is_last)
    starts = np.concatenate(([0], ends[:-1] + 1))
    shifts = 5 * (np.arange(len(codes)) - np.repeat(starts, ends - starts + 1))
    if shifts.max() > 30:
        raise FormatError("segmentation.counts has a run of more than 32 bits, expected compressed counts")
    values = np.add.reduceat((codes & 31) << shifts, starts)
    is_negative = (codes[ends] & 16) != 0
    values -= np.where(is_negative, np.int64(1) << (shifts[ends] + 5), 0)
    runs = values.copy()
    # Runs 3, 5, 7, ... and 2, 4, 6, ... each add up differences; the first run stands alone.
    runs[1::2] = np.cumsum(values[1::2])
    runs[2::2] = np.cumsum(values[2::2])
    if runs.min() < 0:
        raise FormatError("segmentation.counts has a run of negative length, expected compressed counts")
    return int(runs.sum())
