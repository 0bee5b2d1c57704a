# ruff: noqa: S608 - queries of the peer, built from numbers of our own
"""The rulebook over millions of posts, beside DuckDB and pandas: `python -m benchmarks.rulebook --posts 2830000`.

Four claims, each beside its peer in the same run (exit 1 where one does not hold at a million posts or more):

    apply    the whole rulebook and the paper's filter, posts loaded: at least 15 times DuckDB, equal counts
    edit     one class changed, with its full dry run (counts of every class after the filter, median, minimum, splits):
             at least 5 times DuckDB in the median of random edits, equal counts
    ingest   JSON lines to bitmaps: at least 50,000 posts a second of one core
    memory   all of ours, before a peer is loaded: under 4 GB

Posts are generated (about 27 tags each) from the real tag counts where ../shared/data is there, else from the shipped
rulebook's tags. DuckDB gets every help: only tags that matter, tables sorted for their queries, both cores, and for the
edit the same incremental way as ours, its state (posts' classes by class and by post, posts' class counts, posts that
pass the other steps) made ahead. It is not asked for reasons, which ours finds as well. pandas counts distinct
post-class pairs by one integer key. Rounds take turns; times are wall clock, medians; ingestion is processor time.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from rulebook.apply import Applied, apply_rulebook, frequencies
from rulebook.bitmaps import bitmap_of_mask, rows_of
from rulebook.dry_run import DryRun
from rulebook.edits import AddMembers, RemoveMembers
from rulebook.filters import COMICS, PAPER, SINGLE_PERSON
from rulebook.generator import Vocabulary, generate_columns, generate_posts, post_to_line, vocabulary
from rulebook.index_building import IndexBuilder, pack
from rulebook.post_index import PostIndex
from rulebook.posts import LineOfAnyForm, PostReader
from rulebook.records import Rulebook
from rulebook.tag_table import read_tag_csv
from rulebook.toml_text import read_rulebook

ROOT: Final = Path(__file__).resolve().parent.parent
TAG_TABLE: Final = ROOT.parent / "shared" / "data" / "danbooru_tags.csv"
SHIPPED: Final = ROOT / "rulebook" / "danbooru.toml"
SEED: Final = 20220104
GOALS: Final = {"apply": 15.0, "edit": 5.0, "ingest": 50_000.0, "memory_gb": 4.0}
RARE: Final = 50  # posts; rarer tags are no part of random edits
SPLITS: Final = ("train", "val", "test")


def main() -> int:
    """Run all four; 1 where a claim does not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--posts", type=int, default=2_830_000)
    parser.add_argument("--edits", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--ingest", type=int, default=100_000, help="posts read from JSON lines")
    parser.add_argument("--no-pandas", action="store_true")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    rulebook = read_rulebook(SHIPPED.read_text(encoding="utf-8"), SHIPPED.name)
    table = read_tag_csv(TAG_TABLE.read_text(encoding="utf-8")) if TAG_TABLE.is_file() else None
    words = vocabulary(table, more=(tag for rule in rulebook.classes for tag in rule.members))

    report: dict[str, Any] = {"ingest": measure_ingest(words, arguments.ingest)}
    started = time.perf_counter()
    columns = generate_columns(arguments.posts, SEED, words)
    generated = time.perf_counter()
    index = pack(columns, words.categories)
    report["load"] = {
        "posts": len(index),
        "pairs": len(columns.flat_tags),
        "tags": len(index.tags),
        "generate_s": generated - started,
        "pack_s": time.perf_counter() - generated,
    }
    del columns
    digest_of_posts, report["load"]["digest_s"] = timed(lambda: index.digest)
    report["load"]["digest"] = digest_of_posts
    applied = apply_rulebook(index, rulebook, PAPER)
    number = np.arange(len(index)) % 10
    splits = dict(
        zip(SPLITS, (bitmap_of_mask(number < 8), bitmap_of_mask(number == 8), bitmap_of_mask(number == 9)), strict=True)
    )
    run, ready = timed(lambda: DryRun(index, rulebook, PAPER, splits=splits))
    report["load"]["dry_run_ready_s"] = ready
    report["memory_gb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6

    peer = Duck(index, rulebook, number)
    report["apply"] = measure_apply(index, rulebook, applied, peer, arguments.rounds, not arguments.no_pandas)
    report["edit"] = measure_edits(run, peer, arguments.edits)
    held = holds(report)
    report["holds"] = held
    print(json.dumps(report, indent=2) if arguments.json else told(report, rulebook))
    equal = report["apply"]["equal"] and report["edit"]["equal"]
    return 0 if equal and (arguments.posts < 1_000_000 or all(held.values())) else 1


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """What it gives, and the seconds it took."""
    gc.collect()
    started = time.perf_counter()
    answer = work()
    return answer, time.perf_counter() - started


def holds(report: dict[str, Any]) -> dict[str, bool]:
    """Which claims hold."""
    return {
        "apply": report["apply"]["times_duckdb"] >= GOALS["apply"],
        "edit": report["edit"]["times_duckdb"] >= GOALS["edit"],
        "ingest": report["ingest"]["posts_per_s"] >= GOALS["ingest"],
        "memory": report["memory_gb"] < GOALS["memory_gb"],
    }


def told(report: dict[str, Any], rulebook: Rulebook) -> str:
    """The report in a few lines."""
    load, apply, edit, ingest = (report[key] for key in ("load", "apply", "edit", "ingest"))
    tags = len(rulebook.classes_of_tag)
    lines = [
        f"{load['posts']:,} posts, {load['pairs']:,} post-tag pairs, {load['tags']:,} tags; "
        f"rulebook of {tags:,} tags in {len(rulebook):,} classes",
        f"apply   ours {apply['ours_s']:.3f} s, DuckDB {apply['duckdb_s']:.2f} s: {apply['times_duckdb']:.1f}x (15)"
        + (f"; pandas {apply['pandas_s']:.2f} s: {apply['times_pandas']:.1f}x" if "pandas_s" in apply else ""),
        f"edit    ours median {edit['ours_median_ms']:.1f} ms, p95 {edit['ours_p95_ms']:.1f}; DuckDB "
        f"{edit['duckdb_median_ms']:.0f} ms, p95 {edit['duckdb_p95_ms']:.0f}: {edit['times_duckdb']:.1f}x (5)",
        f"ingest  {ingest['posts_per_s']:,.0f} posts/s (50,000); parser {ingest['parse_posts_per_s']:,.0f}, "
        f"{ingest['times_json']:.1f}x json",
        f"memory  {report['memory_gb']:.2f} GB (4), index packed in {load['pack_s']:.1f} s",
        f"counts equal to DuckDB's: {apply['equal'] and edit['equal']}; holds: {report['holds']}",
    ]
    return "\n".join(lines)


# --- ingestion --------------------------------------------------------------------------------------------------------


def measure_ingest(words: Vocabulary, count: int) -> dict[str, Any]:
    """JSON lines to an index, in processor time of this one thread; the parser alone beside the json module."""
    lines = [post_to_line(post, words.categories) for post in generate_posts(count, SEED, words)]

    def ours() -> None:
        reader, builder = PostReader(), IndexBuilder()
        builder.add_all(reader.read_lines(lines))
        builder.finish(reader.categories())

    def parsed() -> None:
        for _ in PostReader().read_lines(lines):
            pass

    def decoded() -> None:
        decode = msgspec.json.Decoder(LineOfAnyForm, strict=False).decode
        for line in lines:
            decode(line)

    def with_json() -> None:
        for line in lines:
            json.loads(line)

    best = {}
    for name, work in (("all", ours), ("posts", parsed), ("parse", decoded), ("json", with_json)) * 3:
        gc.collect()
        started = time.process_time()
        work()
        best[name] = min(best.get(name, 1e9), time.process_time() - started)
    return {
        "posts": count,
        "bytes_per_post": sum(map(len, lines)) / count,
        "posts_per_s": count / best["all"],
        "read_posts_per_s": count / best["posts"],
        "parse_posts_per_s": count / best["parse"],
        "times_json": best["json"] / best["parse"],
    }


# --- DuckDB -----------------------------------------------------------------------------------------------------------


class Duck:
    """The same posts in DuckDB, and its state for edits."""

    def __init__(self, index: PostIndex, rulebook: Rulebook, number: np.ndarray) -> None:
        import duckdb
        import pandas as pd

        self.db = duckdb.connect()
        self.db.execute("SET enable_progress_bar = false")
        self.names = [rule.name for rule in rulebook.classes]
        self.class_number = {name: k for k, name in enumerate(self.names)}
        self.tag_ids = index.tag_ids
        wanted = {tag for rule in rulebook.classes for tag in rule.spellings} | {*SINGLE_PERSON.tags, *COMICS.tags}
        # An edit may add any tag that is not rare; ours has those that are as well.
        kept = [
            (k, rows_of(index.postings[k]).astype(np.uint32))
            for tag, k in sorted(index.tag_ids.items())
            if tag in wanted or index.count(tag) > RARE
        ]
        self.common = [index.tags[k] for k, _ in kept]
        tags = np.repeat(np.array([k for k, _ in kept], dtype=np.uint32), [len(rows) for _, rows in kept])
        pairs = pd.DataFrame({"tag": tags, "row": np.concatenate([rows for _, rows in kept])})
        posts = pd.DataFrame(
            {
                "row": np.arange(len(index), dtype=np.uint32),
                "rating": index.ratings,
                "long_side": np.maximum(index.widths, index.heights),
                "split": np.select([number < 8, number == 8], [0, 1], 2).astype(np.uint8),
            }
        )
        members = pd.DataFrame(
            [(self.tag_ids[t], k) for k, r in enumerate(rulebook.classes) for t in r.spellings if t in self.tag_ids],
            columns=["tag", "class"],
        ).astype({"tag": np.uint32, "class": np.uint16})
        self.pairs, self.members, self.posts = pairs, members, posts
        for name, frame in (("pairs", pairs), ("posts", posts), ("members", members)):
            self.db.register("frame", frame)
            self.db.execute(f"CREATE TABLE {name} AS SELECT * FROM frame")
            self.db.unregister("frame")
        single, comics = (
            ",".join(str(self.tag_ids[tag]) for tag in step.tags if tag in self.tag_ids) or "-1"
            for step in (SINGLE_PERSON, COMICS)
        )
        # Codes 1 to 3 are safe, general, sensitive.
        self.ok = f"""
            SELECT row, split FROM posts WHERE rating BETWEEN 1 AND 3 AND long_side >= 512
            AND row IN (SELECT row FROM pairs WHERE tag IN ({single}))
            AND row NOT IN (SELECT row FROM pairs WHERE tag IN ({comics}))"""

    def apply(self) -> tuple[int, dict[str, int]]:
        """Kept posts, and the count of each class among them."""
        rows = self.db.execute(f"""
            WITH pc AS MATERIALIZED (SELECT DISTINCT row, class FROM pairs JOIN members USING (tag)),
            kept AS MATERIALIZED (
                SELECT row FROM pc SEMI JOIN ({self.ok}) ok USING (row) GROUP BY row HAVING count(*) >= 12
            )
            SELECT -1 AS class, count(*) FROM kept
            UNION ALL SELECT class, count(*) FROM pc SEMI JOIN kept USING (row) GROUP BY class
        """).fetchall()
        found = dict(rows)
        return found.pop(-1), {name: found.get(k, 0) for k, name in enumerate(self.names)}

    def prepare(self) -> None:
        """What edits start from."""
        self.db.execute(
            "CREATE TABLE by_class AS SELECT DISTINCT class, row FROM pairs JOIN members USING (tag) ORDER BY ALL"
        )
        self.db.execute("CREATE TABLE by_row AS SELECT row, class FROM by_class ORDER BY row, class")
        self.db.execute(
            f"CREATE TABLE ok AS SELECT o.row, o.split, coalesce(n.c, 0) AS c FROM ({self.ok}) o"
            " LEFT JOIN (SELECT row, count(*) AS c FROM by_row GROUP BY row) n USING (row) ORDER BY o.row"
        )
        rows = self.db.execute(
            "SELECT class, split, count(*) FROM by_class JOIN ok USING (row) WHERE c >= 12 GROUP BY ALL"
        ).fetchall()
        self.counts = np.zeros((3, len(self.names)), dtype=np.int64)
        for k, split, count in rows:
            self.counts[split, k] = count
        self.kept = self.db.execute("SELECT count(*) FROM ok WHERE c >= 12").fetchone()[0]

    def edit(self, name: str, tags: tuple[str, ...]) -> tuple[int, np.ndarray, tuple[float, float]]:
        """Kept posts, counts of each class in each split, median and minimum, once a class has these tags."""
        k = self.class_number[name]
        listed = ",".join(str(self.tag_ids[tag]) for tag in tags if tag in self.tag_ids) or "-1"
        db = self.db
        db.execute(f"CREATE OR REPLACE TEMP TABLE new_rows AS SELECT DISTINCT row FROM pairs WHERE tag IN ({listed})")
        db.execute(f"""
            CREATE OR REPLACE TEMP TABLE delta AS
            SELECT coalesce(n.row, o.row) AS row, CASE WHEN o.row IS NULL THEN 1 ELSE -1 END AS d
            FROM new_rows n FULL JOIN (SELECT row FROM by_class WHERE class = {k}) o USING (row)
            WHERE n.row IS NULL OR o.row IS NULL
        """)
        db.execute("""
            CREATE OR REPLACE TEMP TABLE moved AS
            SELECT row, split, CASE WHEN c + d >= 12 THEN 1 ELSE -1 END AS sign
            FROM delta JOIN ok USING (row) WHERE (c >= 12) <> (c + d >= 12)
        """)
        counts = self.counts.copy()
        kept = self.kept
        moved = db.execute("SELECT coalesce(sum(sign), 0), count(*) FROM moved").fetchone()
        kept += int(moved[0])
        if moved[1]:
            for other, split, change in db.execute(
                "SELECT class, split, sum(sign) FROM by_row JOIN moved USING (row) GROUP BY ALL"
            ).fetchall():
                counts[split, other] += int(change)
        counts[:, k] = 0
        for split, count in db.execute("""
            SELECT split, count(*) FROM new_rows JOIN ok USING (row) LEFT JOIN delta USING (row)
            WHERE c + coalesce(d, 0) >= 12 GROUP BY split
        """).fetchall():
            counts[split, k] = count
        return kept, counts, frequencies(counts.sum(axis=0).tolist(), kept)


def with_pandas(peer: Duck) -> tuple[int, dict[str, int]]:
    """The same count by pandas: one integer a post-class pair, made distinct."""
    import pandas as pd

    posts, pairs = peer.posts, peer.pairs
    ok = ((posts["rating"] >= 1) & (posts["rating"] <= 3) & (posts["long_side"] >= 512)).to_numpy()
    for step, wanted in ((SINGLE_PERSON, True), (COMICS, False)):
        numbers = [peer.tag_ids[tag] for tag in step.tags if tag in peer.tag_ids]
        has = np.zeros(len(posts), dtype=bool)
        has[pairs.loc[pairs["tag"].isin(numbers), "row"].to_numpy()] = True
        ok &= has == wanted
    # Posts that the other steps drop are left out first: fewer pairs to make distinct.
    known = pairs[ok[pairs["row"].to_numpy()]].merge(peer.members, on="tag")
    width = len(peer.names)
    keys = pd.unique(known["row"].astype(np.int64) * width + known["class"])
    rows, classes = keys // width, keys % width
    kept = np.bincount(rows, minlength=len(posts)) >= 12
    counts = np.bincount(classes[kept[rows]], minlength=width)
    return int(kept.sum()), dict(zip(peer.names, counts.tolist(), strict=True))


# --- apply and edits --------------------------------------------------------------------------------------------------


def measure_apply(
    index: PostIndex, rulebook: Rulebook, expected: Applied, peer: Duck, rounds: int, use_pandas: bool
) -> dict[str, Any]:
    """Rounds of ours and DuckDB taking turns; pandas once."""
    times: dict[str, list[float]] = {"ours": [], "duckdb": []}
    answers: dict[str, tuple[int, dict[str, int]]] = {}
    for _ in range(rounds):
        applied, seconds = timed(lambda: apply_rulebook(index, rulebook, PAPER))
        times["ours"].append(seconds)
        answers["ours"] = (applied.kept, applied.counts)
        answers["duckdb"], seconds = timed(peer.apply)
        times["duckdb"].append(seconds)
    ours, duck = statistics.median(times["ours"]), statistics.median(times["duckdb"])
    report = {"ours_s": ours, "duckdb_s": duck, "times_duckdb": duck / ours, "kept": expected.kept}
    if use_pandas:
        answers["pandas"], seconds = timed(lambda: with_pandas(peer))
        report |= {"pandas_s": seconds, "times_pandas": seconds / ours}
    said = expected.to_json()
    report |= {key: said[key] for key in ("funnel", "median_frequency", "min_frequency", "digest")}
    report["equal"] = all(answer == (expected.kept, expected.counts) for answer in answers.values())
    return report


def measure_edits(run: DryRun, peer: Duck, count: int) -> dict[str, Any]:
    """Random edits, half of them a tag more and half a tag less, each by both."""
    peer.prepare()
    draw = random.Random(SEED)
    ours, theirs, is_equal = [], [], True
    while len(ours) < count:
        rule = draw.choice(run.rulebook.classes)
        tag = draw.choice(peer.common)
        edit: AddMembers | RemoveMembers
        if len(ours) % 2 and len(rule.members) > 1:
            edit = RemoveMembers(rule.name, (draw.choice(rule.members),))
            spellings = tuple(name for name in rule.spellings if name not in edit.tags)
        else:
            edit = AddMembers(rule.name, (tag,))
            spellings = tuple({*rule.spellings, tag})
        effect, seconds = timed(lambda edit=edit: run.preview(edit))
        ours.append(seconds * 1e3)
        (kept, counts, (median, minimum)), seconds = timed(lambda r=rule, s=spellings: peer.edit(r.name, s))
        theirs.append(seconds * 1e3)
        is_equal &= kept == effect.kept_after and np.array_equal(counts, effect.after.parts)
        is_equal &= (median, minimum) == (effect.median_after, effect.min_after)
    ours.sort()
    theirs.sort()
    late = int(0.95 * (count - 1))
    return {
        "edits": count,
        "ours_median_ms": statistics.median(ours),
        "ours_p95_ms": ours[late],
        "duckdb_median_ms": statistics.median(theirs),
        "duckdb_p95_ms": theirs[late],
        "times_duckdb": statistics.median(theirs) / statistics.median(ours),
        "times_duckdb_p95": theirs[late] / ours[late],
        "equal": is_equal,
    }


if __name__ == "__main__":
    sys.exit(main())
