"""Queues: which annotations wait for which question, in an order that stays while a person works through it.

'face' asks for eyes and ears that nobody has decided. It goes by annotation id; what is confirmed, skipped, removed or
has no bytes is not dealt. The WHERE clauses repeat the partial indexes of the migration word for word: only then does
SQLite walk the index instead of the table.
"""

from dataclasses import dataclass
from typing import Final

from curator.errors import NotFound
from curator.store.annotations import COLUMNS, StoredAnnotation, row_to_annotation
from curator.store.database import Database

_FACE_UNDECIDED = "a.is_crowd = 0 AND instr(substr(a.states, 2, 4), 'u') > 0"
_SKIPPED = "(SELECT annotation_id FROM skips WHERE queue = ?)"


@dataclass(frozen=True, slots=True)
class Queue:
    """A question put to a person. `wanted`: the keypoints asked for, in the order they are asked."""

    name: str
    title: str
    wanted: tuple[str, ...]
    undecided: str  # SQL over annotations a


QUEUES: Final[dict[str, Queue]] = {
    "face": Queue(
        "face", "Face keypoints undecided", ("right_ear", "right_eye", "left_eye", "left_ear"), _FACE_UNDECIDED
    ),
}


@dataclass(frozen=True, slots=True)
class QueueCounts:
    """size: can be dealt now; skipped: set aside; waiting_for_bytes: their pictures have not arrived; done: decided."""

    size: int
    skipped: int
    waiting_for_bytes: int
    done: int


def queue_by_name(name: str) -> Queue:
    """The queue of that name.

    Raises:
        NotFound: there is none.
    """
    if name not in QUEUES:
        raise NotFound(f"no queue is called {name!r}; there are: {', '.join(QUEUES)}")
    return QUEUES[name]


def deal(db: Database, queue: Queue, *, after: int, limit: int, skipped: bool) -> list[StoredAnnotation]:
    """The next tasks behind annotation id `after`: those waiting, or (`skipped`) those set aside. Reads only."""
    which = "IN" if skipped else "NOT IN"
    rows = db.all(
        f"SELECT {COLUMNS} FROM annotations a WHERE a.is_available = 1 AND {queue.undecided} AND a.id > ?"
        f" AND a.id {which} {_SKIPPED} ORDER BY a.id LIMIT ?",
        (after, queue.name, limit),
    )
    return [row_to_annotation(row) for row in rows]


def count_queue(db: Database, queue: Queue) -> QueueCounts:
    """How much waits, is set aside, lacks its picture, is done; removed images are in none of them."""
    row = db.one(
        # state_counts has the same columns as annotations for what a queue asks, and a few hundred rows at most.
        f"SELECT (SELECT coalesce(sum(a.n), 0) FROM state_counts a"
        f"   WHERE a.is_available = 1 AND {queue.undecided}) AS available,"
        f" (SELECT count(*) FROM skips s CROSS JOIN annotations a ON a.id = s.annotation_id WHERE s.queue = ?"
        f"   AND a.is_available = 1 AND {queue.undecided}) AS skipped,"
        f" (SELECT coalesce(sum(a.n), 0) FROM state_counts a WHERE {queue.undecided}) AS undecided,"
        f" (SELECT count(*) FROM removals r CROSS JOIN annotations a ON a.image_id = r.image_id"
        f"   WHERE {queue.undecided}) AS removed,"
        f" (SELECT coalesce(sum(n), 0) FROM state_counts WHERE is_crowd = 0) AS people,"
        f" (SELECT count(*) FROM removals r CROSS JOIN annotations a ON a.image_id = r.image_id WHERE a.is_crowd = 0"
        f"   AND NOT ({queue.undecided})) AS removed_done",
        (queue.name,),
    )
    assert row is not None
    return QueueCounts(
        size=row["available"] - row["skipped"],
        skipped=row["skipped"],
        waiting_for_bytes=row["undecided"] - row["available"] - row["removed"],
        done=row["people"] - row["undecided"] - row["removed_done"],
    )
