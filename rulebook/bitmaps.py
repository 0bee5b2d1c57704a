"""Bitmaps of posts: roaring bitmaps (pyroaring) made from and turned into numpy, quickly.

pyroaring inserts value by value; building the portable serialized form in numpy and reading it back is several times
quicker, and a container (65,536 rows) in that form is plain: up to 4,096 values as sorted uint16, above that 8 KiB of
bits. Format: github.com/RoaringBitmap/RoaringFormatSpec.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

import numpy as np
from pyroaring import BitMap

CONTAINER = 1 << 16
_ARRAY_MAX = 4096
_COOKIE = 12346  # no run containers


def rows_of(bitmap: BitMap) -> np.ndarray:
    """The rows of a bitmap, ascending, (n,) int64: numpy indexes with it twice as fast as with uint32."""
    return np.frombuffer(bitmap.to_array(), dtype=np.uint32).astype(np.int64)


def bitmap_of_mask(mask: np.ndarray) -> BitMap:
    """The bitmap of the rows where a (P,) boolean mask is true."""
    packed = np.packbits(mask, bitorder="little")
    containers = []
    for key in range((len(mask) + CONTAINER - 1) // CONTAINER):
        part = mask[key * CONTAINER : (key + 1) * CONTAINER]
        count = int(np.count_nonzero(part))
        if count > _ARRAY_MAX:
            data = packed[key * (CONTAINER // 8) : (key + 1) * (CONTAINER // 8)].tobytes()
            containers.append((key, count, data.ljust(CONTAINER // 8, b"\0")))
        elif count:
            containers.append((key, count, np.flatnonzero(part).astype("<u2").tobytes()))
    return bitmap_of_containers(containers)


def bitmap_of_rows(rows: np.ndarray) -> BitMap:
    """The bitmap of ascending distinct rows."""
    keys = rows >> 16
    starts = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1]))) if len(rows) else np.empty(0, np.int64)
    ends = np.append(starts[1:], len(rows)) if len(rows) else starts
    low = (rows & 0xFFFF).astype("<u2")
    return bitmap_of_containers(
        (int(keys[start]), int(end - start), container_bytes(low[start:end]))
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
    )


def container_bytes(low: np.ndarray) -> bytes:
    """The data of one container: its rows' low 16 bits, ascending, (n,) uint16."""
    if len(low) <= _ARRAY_MAX:
        return low.tobytes()
    bits = np.zeros(CONTAINER, dtype=bool)
    bits[low] = True
    return np.packbits(bits, bitorder="little").tobytes()


def bitmap_of_containers(containers: Iterable[tuple[int, int, bytes]]) -> BitMap:
    """A bitmap from (key, number of rows, data) of each container, keys ascending."""
    listed = list(containers)
    header = struct.pack("<II", _COOKIE, len(listed))
    header += b"".join(struct.pack("<HH", key, count - 1) for key, count, _ in listed)
    offset = len(header) + 4 * len(listed)
    offsets = []
    for _, _, data in listed:
        offsets.append(offset)
        offset += len(data)
    parts = [header, struct.pack(f"<{len(offsets)}I", *offsets), *(data for _, _, data in listed)]
    return BitMap.deserialize(b"".join(parts))


def union(bitmaps: Sequence[BitMap]) -> BitMap:
    """The rows in any of these. A single bitmap is given back as it is: bitmaps here are never changed in place."""
    if len(bitmaps) == 1:
        return bitmaps[0]
    return BitMap.union(*bitmaps) if bitmaps else BitMap()


def all_rows(count: int) -> BitMap:
    """The bitmap of rows 0 to count - 1."""
    return BitMap(range(count))
