"""An index as bytes and back: what a project keeps beside its database, so that no start packs millions of posts anew.

MessagePack of the columns as they lie in memory (little-endian) and each bitmap in roaring's portable form. A file of
another version, or cut, is refused; whoever calls then builds the index from the posts, which are the truth.
"""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np
from pyroaring import BitMap

from rulebook.post_index import COLUMNS, PostIndex
from rulebook.records import RuleError

INDEX_VERSION: Final = 1


class _Stored(msgspec.Struct):
    version: int
    columns: dict[str, tuple[str, bytes]]
    tags: list[str]
    postings: list[bytes]
    ext_names: list[str]
    categories: dict[str, str]


def index_to_bytes(index: PostIndex) -> bytes:
    """The whole index."""
    columns = {}
    for name in (*COLUMNS, "num_tags"):
        column = getattr(index, name)
        kind = column.dtype.newbyteorder("<")
        columns[name] = (kind.str, np.ascontiguousarray(column, dtype=kind).tobytes())
    return msgspec.msgpack.encode(
        _Stored(
            INDEX_VERSION,
            columns,
            list(index.tags),
            [posting.serialize() for posting in index.postings],
            list(index.ext_names),
            dict(index.categories),
        )
    )


def index_from_bytes(data: bytes) -> PostIndex:
    """The index that `index_to_bytes` wrote.

    Raises:
        RuleError: no such bytes, cut ones, or those of another version.
    """
    try:
        stored = msgspec.msgpack.decode(data, type=_Stored)
        if stored.version != INDEX_VERSION:
            raise RuleError("index", f"version is {stored.version}", str(INDEX_VERSION))
        columns = {name: np.frombuffer(raw, dtype=np.dtype(kind)) for name, (kind, raw) in stored.columns.items()}
        if set(columns) != {*COLUMNS, "num_tags"} or len({len(column) for column in columns.values()}) != 1:
            raise RuleError("index", "columns do not belong together", "those of one index")
        postings = tuple(BitMap.deserialize(raw) for raw in stored.postings)
    except (msgspec.DecodeError, ValueError, TypeError) as error:
        if isinstance(error, RuleError):
            raise
        raise RuleError("index", f"no index: {error}") from error
    if len(postings) != len(stored.tags):
        raise RuleError("index", f"{len(postings)} bitmaps for {len(stored.tags)} tags", "one a tag")
    return PostIndex(
        **columns,
        tags=tuple(stored.tags),
        postings=postings,
        ext_names=tuple(stored.ext_names),
        categories=stored.categories,
    )
