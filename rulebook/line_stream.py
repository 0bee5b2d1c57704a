"""The room's one door to files: lines of plain, gzip and zstd files, as far as they are whole.

A stream that breaks off keeps all lines before the break, and the break is named. A line without an end does not fill
the memory.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import zstandard

from rulebook.tag_table import Refused

MAX_LINE_BYTES: Final = 1 << 24
_CHUNK_BYTES: Final = 1 << 20


class LineStream:
    """The lines of a file, decompressed as its first bytes say; a broken stream ends, and `cut` says where.

    A last line without its line feed is a line in a whole file, and dropped as incomplete in a broken one.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.cut: Refused | None = None
        self.too_long: list[Refused] = []

    def __iter__(self) -> Iterator[bytes]:
        number, rest, is_skipping = 0, b"", False
        for chunk in self._bytes():
            lines = (rest + chunk).split(b"\n")
            rest = lines.pop()
            for line in lines:
                number += 1
                yield b"" if is_skipping else line
                is_skipping = False
            if len(rest) > MAX_LINE_BYTES:
                if not is_skipping:
                    where = f"{self._path.name}: line {number + 1}"
                    self.too_long.append(Refused(where, f"longer than {MAX_LINE_BYTES} bytes"))
                rest, is_skipping = b"", True
        if self.cut is not None:
            self.cut = Refused(f"{self._path.name}: line {number + 1}", self.cut.reason)
        elif rest and not is_skipping:
            yield rest

    def _bytes(self) -> Iterator[bytes]:
        with self._path.open("rb") as file:
            head = file.read(4)
            file.seek(0)
            if head[:2] == b"\x1f\x8b":
                yield from self._inflated(file, lambda: zlib.decompressobj(wbits=31), "gzip")
            elif head == b"\x28\xb5\x2f\xfd":
                decompressor = zstandard.ZstdDecompressor(max_window_size=1 << 31)
                yield from self._inflated(file, decompressor.decompressobj, "zstd")
            else:
                while chunk := file.read(_CHUNK_BYTES):
                    yield chunk

    def _inflated(self, file: Any, start: Callable[[], Any], name: str) -> Iterator[bytes]:
        inflater, has_begun = start(), False
        while chunk := file.read(_CHUNK_BYTES):
            while chunk:
                if inflater.eof:  # another member or frame follows, or padding of zeros
                    chunk = chunk.lstrip(b"\0")
                    if not chunk:
                        break
                    inflater = start()
                try:
                    yield inflater.decompress(chunk)
                except (zlib.error, zstandard.ZstdError) as error:
                    self.cut = Refused(self._path.name, f"the {name} stream is broken here: {error}")
                    return
                has_begun = True
                chunk = inflater.unused_data if inflater.eof else b""
        if has_begun and not inflater.eof:
            self.cut = Refused(self._path.name, f"the {name} stream ends in the middle here")
