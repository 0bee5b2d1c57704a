"""Posts in packed chunks: 65,536 ids a row, columns as they lie in memory and one roaring bitmap a tag.

A chunk is a small `PostIndex`; tags stand in it by number. A re-imported post replaces what its chunk said of it, so
the store after any sequence of imports reads as if the last word on each post had been imported alone. There is never a
row for a pair of post and tag: that stores 17,000 posts a second, this several times the wanted 50,000.
"""

import hashlib
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import numpy as np
import zstandard
from pyroaring import BitMap

from curator.store import tags
from curator.store.database import Database
from rulebook.bitmaps import bitmap_of_rows, container_bytes, rows_of
from rulebook.post_index import COLUMNS, RATING_MEANINGS, SCHEMES, PostIndex, merge_indexes, renumbered_exts
from rulebook.posts import STATUSES

CHUNK_BITS: Final = 16
_LEVEL: Final = 1  # of zstd: a higher one costs more time than the disk saves
_COLUMNS: Final = (*COLUMNS, "num_tags")


@dataclass(slots=True)
class Stored:
    """What storing posts did, by distinct posts."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0


@dataclass(frozen=True, slots=True)
class StoredPost:
    """One post as it is kept. `tags` are raw tags by name."""

    post_id: int
    tags: tuple[str, ...]
    rating: str  # what the rating means, as `RATING_MEANINGS`
    rating_scheme: str  # "sqe", "gsqe" or "" where undecided
    width: int | None
    height: int | None
    file_ext: str
    statuses: tuple[str, ...]
    parent_id: int | None


class _Chunk(msgspec.Struct):
    columns: dict[str, tuple[str, bytes]]
    ext_names: list[str]
    tag_ids: bytes  # (t,) <i4, in the order of the tags' names when written
    lengths: bytes  # (t,) <i4 bytes of each bitmap
    postings: bytes  # roaring bitmaps of rows of this chunk, in the portable form, one behind the other


def store_posts(db: Database, index: PostIndex) -> Stored:
    """Put posts into the store: new ones added, known ones replaced whole."""
    numbers = tags.number_tags(db, index.tags)
    names = {number: name for name, number in numbers.items()}
    done = Stored()
    for chunk_id, part in split_index(index):
        older = read_chunk(db, chunk_id, names)
        if older is None:
            done.added += len(part)
        else:
            _compare(older, part, done)
            part = merge_indexes(older, part)
        _write_chunk(db, chunk_id, part, numbers)
    return done


def read_index(db: Database) -> tuple[str, PostIndex]:
    """All posts as one index, tag categories apart, with their `posts_stamp`, both of one moment.

    Seconds for millions: `curator.posts` keeps a copy in the cache.
    """
    with _one_moment(db):
        names = tags.tag_names(db)
        parts = [_decode(row["content"], names) for row in db.stream(f"{_READ} ORDER BY id")]
        return posts_stamp(db), join_indexes(parts)


@contextmanager
def _one_moment(db: Database) -> Iterator[None]:
    """Reads within see the store as it is at the first of them, while others go on writing."""
    if db.conn.in_transaction:
        yield
        return
    db.conn.execute("BEGIN")
    try:
        yield
    finally:
        db.conn.execute("ROLLBACK")


def read_chunk(db: Database, chunk_id: int, names: dict[int, str]) -> PostIndex | None:
    """The posts of one chunk, or None."""
    row = db.one(f"{_READ} WHERE id = ?", (chunk_id,))
    return None if row is None else _decode(row["content"], names)


def posts_by_id(db: Database, post_ids: Iterable[int]) -> dict[int, StoredPost]:
    """Those of these posts that are here. Reads only their chunks."""
    wanted: dict[int, list[int]] = {}
    for post_id in set(post_ids):
        if 0 < post_id < 1 << 62:
            wanted.setdefault(post_id >> CHUNK_BITS, []).append(post_id)
    found: dict[int, StoredPost] = {}
    with _one_moment(db):
        names = tags.tag_names(db) if wanted else {}
        for chunk_id, ids in sorted(wanted.items()):
            index = read_chunk(db, chunk_id, names)
            for post in () if index is None else _posts_of(index, index.rows_of_ids(ids)):
                found[post.post_id] = post
    return found


def count_posts(db: Database) -> int:
    """How many posts are here."""
    row = db.one("SELECT coalesce(sum(num_posts), 0) AS n FROM post_chunks")
    return 0 if row is None else int(row["n"])


def posts_stamp(db: Database) -> str:
    """A word for the posts as they are: another one as soon as any post or tag of them changes."""
    hasher = hashlib.sha256()
    for row in db.stream("SELECT id, digest FROM post_chunks ORDER BY id"):
        hasher.update(f"{row['id']} {row['digest']}\n".encode())
    return hasher.hexdigest()


def images_of_source(db: Database, source: str) -> dict[str, tuple[int, str]]:
    """Row id and file name of every image of a source, by its id there."""
    rows = db.stream("SELECT id, source_id, file_name FROM images WHERE source = ?", (source,))
    return {row["source_id"]: (row["id"], row["file_name"]) for row in rows}


def sizes_of_source(db: Database, source: str) -> dict[str, tuple[int, int]]:
    """Width and height of every image of a source whose size is known, by its id there."""
    rows = db.stream(
        "SELECT source_id, width, height FROM images WHERE source = ? AND width IS NOT NULL AND height IS NOT NULL",
        (source,),
    )
    return {row["source_id"]: (row["width"], row["height"]) for row in rows}


def chunk_problems(db: Database) -> list[str]:
    """Chunks that changed since they were written, or whose bitmaps and columns disagree."""
    with _one_moment(db):
        return _chunk_problems(db)


def _chunk_problems(db: Database) -> list[str]:
    names = tags.tag_names(db)
    problems = []
    for row in db.stream("SELECT id, num_posts, digest, content FROM post_chunks ORDER BY id"):
        where = f"posts {row['id'] << CHUNK_BITS} to {((row['id'] + 1) << CHUNK_BITS) - 1}"
        if hashlib.sha256(row["content"]).hexdigest() != row["digest"]:
            problems.append(f"{where}: the stored bytes changed, the digest differs")
            continue
        try:
            index = _decode(row["content"], names)
        except (ValueError, KeyError, msgspec.DecodeError, zstandard.ZstdError) as error:
            problems.append(f"{where}: cannot be read ({error})")
            continue
        problems += [f"{where}: {problem}" for problem in _index_problems(index, row["id"], row["num_posts"])]
    return problems


def split_index(index: PostIndex) -> Iterator[tuple[int, PostIndex]]:
    """The parts of an index by chunk, each with its own rows."""
    chunk_ids, starts = np.unique(index.ids >> CHUNK_BITS, return_index=True)
    if len(chunk_ids) == 1:
        yield int(chunk_ids[0]), index
        return
    bounds = np.append(starts, len(index))
    postings: list[dict[str, BitMap]] = [{} for _ in chunk_ids]
    for name, posting in zip(index.tags, index.postings, strict=True):
        rows = rows_of(posting)
        cuts = np.searchsorted(rows, bounds).tolist()
        for k, start in enumerate(starts.tolist()):
            if cuts[k] < cuts[k + 1]:
                postings[k][name] = _bitmap_of_one_container(rows[cuts[k] : cuts[k + 1]] - start)
    for k, chunk_id in enumerate(chunk_ids.tolist()):
        part = slice(int(bounds[k]), int(bounds[k + 1]))
        columns: dict[str, Any] = {name: getattr(index, name)[part] for name in _COLUMNS}
        columns["exts"], ext_names = renumbered_exts(columns["exts"], index.ext_names)
        mine, postings[k] = postings[k], {}
        yield chunk_id, PostIndex(**columns, tags=tuple(mine), postings=tuple(mine.values()), ext_names=ext_names)


def join_indexes(parts: list[PostIndex]) -> PostIndex:
    """Parts in the order of their ids as one index."""
    ext_names = tuple(dict.fromkeys(ext for part in parts for ext in part.ext_names))
    columns: dict[str, Any] = {name: _joined(parts, name) for name in _COLUMNS}
    mapped = [np.array([ext_names.index(ext) for ext in part.ext_names] or [0], np.uint8)[part.exts] for part in parts]
    columns["exts"], ext_names = renumbered_exts(np.concatenate([np.empty(0, np.uint8), *mapped]), ext_names)
    found: dict[str, list[np.ndarray]] = {}
    start = 0
    for part in parts:
        for name, posting in zip(part.tags, part.postings, strict=True):
            found.setdefault(name, []).append(rows_of(posting) + start)
        start += len(part)
    names = tuple(sorted(found))
    postings = tuple(bitmap_of_rows(np.concatenate(found.pop(name))) for name in names)
    return PostIndex(**columns, tags=names, postings=postings, ext_names=ext_names)


def _bitmap_of_one_container(rows: np.ndarray) -> BitMap:
    """As `bitmap_of_rows` for rows below 65,536, which is all that a chunk has; three times quicker."""
    head = struct.pack("<IIHHI", 12346, 1, 0, len(rows) - 1, 16)
    return BitMap.deserialize(head + container_bytes(rows.astype("<u2")))


_READ: Final = "SELECT content FROM post_chunks"
_EMPTY: Final = {"ids": np.int64, "parents": np.int64, "widths": np.int32, "heights": np.int32, "num_tags": np.uint16}


def _joined(parts: list[PostIndex], name: str) -> np.ndarray:
    return np.concatenate([np.empty(0, _EMPTY.get(name, np.uint8)), *(getattr(part, name) for part in parts)])


def _write_chunk(db: Database, chunk_id: int, index: PostIndex, numbers: dict[str, int]) -> None:
    columns = {}
    for name in _COLUMNS:
        column = getattr(index, name)
        kind = column.dtype.newbyteorder("<")
        columns[name] = (kind.str, np.ascontiguousarray(column, dtype=kind).tobytes())
    written = [posting.serialize() for posting in index.postings]
    chunk = _Chunk(
        columns,
        list(index.ext_names),
        np.array([numbers[name] for name in index.tags], dtype="<i4").tobytes(),
        np.array([len(one) for one in written], dtype="<i4").tobytes(),
        b"".join(written),
    )
    content = zstandard.compress(msgspec.msgpack.encode(chunk), _LEVEL)
    db.conn.execute(
        "INSERT INTO post_chunks (id, num_posts, digest, content) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
        " num_posts = excluded.num_posts, digest = excluded.digest, content = excluded.content",
        (chunk_id, len(index), hashlib.sha256(content).hexdigest(), content),
    )


def _decode(content: bytes, names: dict[int, str]) -> PostIndex:
    chunk = msgspec.msgpack.decode(zstandard.decompress(content), type=_Chunk)
    columns: dict[str, Any] = {
        name: np.frombuffer(raw, dtype=np.dtype(kind)) for name, (kind, raw) in chunk.columns.items()
    }
    lengths = np.frombuffer(chunk.lengths, dtype="<i4")
    ends = np.cumsum(lengths, dtype=np.int64).tolist()
    view = memoryview(chunk.postings)
    postings = [
        BitMap.deserialize(bytes(view[end - length : end])) for end, length in zip(ends, lengths.tolist(), strict=True)
    ]
    tag_names = [names[number] for number in np.frombuffer(chunk.tag_ids, dtype="<i4").tolist()]
    order = sorted(range(len(tag_names)), key=tag_names.__getitem__)
    return PostIndex(
        **columns,
        tags=tuple(tag_names[k] for k in order),
        postings=tuple(postings[k] for k in order),
        ext_names=tuple(chunk.ext_names),
    )


def _compare(older: PostIndex, newer: PostIndex, done: Stored) -> None:
    """Count the newer posts: added, updated, or the same in every column and tag."""
    common, old_rows, new_rows = np.intersect1d(older.ids, newer.ids, assume_unique=True, return_indices=True)
    same = np.ones(len(common), dtype=bool)
    for name in _COLUMNS[1:]:
        if name == "exts":
            one, other = (np.array(index.ext_names or ("",))[index.exts] for index in (older, newer))
        else:
            one, other = getattr(older, name), getattr(newer, name)
        same &= one[old_rows] == other[new_rows]
    same &= _tag_sums(older)[old_rows] == _tag_sums(newer)[new_rows]
    done.unchanged += int(np.count_nonzero(same))
    done.updated += int(np.count_nonzero(~same))
    done.added += len(newer) - len(common)


def _tag_sums(index: PostIndex) -> np.ndarray:
    """(P,) uint64: the sum of 64 bits of each tag's SHA-256: the same for the same tags, and hardly for others."""
    sums = np.zeros(len(index), dtype=np.uint64)
    for name, posting in zip(index.tags, index.postings, strict=True):
        sums[rows_of(posting)] += np.uint64(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little"))
    return sums


def _posts_of(index: PostIndex, rows: BitMap) -> Iterator[StoredPost]:
    found: dict[int, list[str]] = {row: [] for row in rows}
    for name, posting in zip(index.tags, index.postings, strict=True):
        for row in posting & rows:
            found[row].append(name)
    for row, names in found.items():
        status = int(index.statuses[row])
        yield StoredPost(
            int(index.ids[row]),
            tuple(names),
            RATING_MEANINGS[index.ratings[row]],
            SCHEMES[index.schemes[row]],
            int(index.widths[row]) or None,
            int(index.heights[row]) or None,
            index.ext_names[index.exts[row]],
            tuple(word for bit, word in enumerate(STATUSES) if status >> bit & 1),
            int(index.parents[row]) or None,
        )


def _index_problems(index: PostIndex, chunk_id: int, num_posts: int) -> list[str]:
    problems = []
    if len(index) != num_posts:
        problems.append(f"holds {len(index)} posts, its row says {num_posts}")
    if np.any(index.ids >> CHUNK_BITS != chunk_id) or np.any(np.diff(index.ids) <= 0):
        problems.append("its ids are not those of the chunk in ascending order")
    counted = np.zeros(len(index), dtype=np.int64)
    for name, posting in zip(index.tags, index.postings, strict=True):
        if not posting or posting.max() >= len(index):
            problems.append(f"the bitmap of {name!r} names a post that is not there")
            return problems
        counted[rows_of(posting)] += 1
    if np.any(np.minimum(counted, 0xFFFF) != index.num_tags):
        problems.append("posts have other tags in the bitmaps than they are counted with")
    return problems
