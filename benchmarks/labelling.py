"""Saving and the next drawing: our served project beside a bare Flask + SQLite app of the same durability.

    python -m benchmarks.labelling                       2,000 and 50,000 annotations, one annotator and five
    python -m benchmarks.labelling --sizes 2000 --json

Both are real servers, processes of their own under waitress with as many threads, on 127.0.0.1, with SQLite in WAL
mode and synchronous=FULL: a 200 means that the change is on the disk. The bare app is what one would write
in an afternoon: one table of JSON rows, a save that rewrites a row and appends to a log, a next that reads rows behind
a position. It has no queue sizes, no pre-fill, no base versions, no guard.

One annotator works as the editor does: the next four drawings, an edit, a confirmation, the next one drawing. The two
servers take turns, round by round, the order changing; each annotator keeps one connection. A tenth of the annotations
is decided at the start, so the pre-fill has labels to learn from, and it learns from each confirmation.

The claim (exit 1 where it does not hold): with one annotator, ours takes at most twice the time of the bare app, in the
median, for each of the four requests. p95 and five annotators are shown beside it. The ratio of medians is taken in
each round, where both ran within a second of each other, and the rounds' median counts: a neighbour on the machine who
slows one turn then does not decide.
"""

from __future__ import annotations

import argparse
import http.client
import json
import math
import os
import platform
import random
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
SIZES: Final = (2_000, 50_000)
ANNOTATORS: Final = (1, 5)
OPERATIONS: Final = ("next 4", "edit", "confirm", "next 1")
GOAL: Final = 2.0
DECIDED_SHARE: Final = 0.1
FACE: Final = ("left_eye", "right_eye", "left_ear", "right_ear")
SEED: Final = 20220104

# A standing figure of 300 x 400 pixels, by ADD's names; every record is it, turned, scaled and shaken a little.
JOINTS: Final[dict[str, tuple[float, float]]] = {
    "head": (150, 40), "nose_root": (150, 78), "nose_tip": (152, 90.5), "neck": (150, 125), "body_upper": (150, 170),
    "arm_left": (185, 140), "elbow_left": (205, 190), "wrist_left": (212, 238.5), "thumb_left": (210, 246),
    "arm_right": (115, 140), "elbow_right": (95, 190), "wrist_right": (88, 238), "thumb_right": (90, 246),
    "leg_left": (168, 240), "knee_left": (172, 305), "ankle_left": (174, 365), "tiptoe_left": (184, 380),
    "leg_right": (132, 240), "knee_right": (128, 305), "ankle_right": (126, 365), "tiptoe_right": (116, 380),
}  # fmt: skip
FACE_PLACES: Final = {"left_eye": (167, 82), "right_eye": (135, 82), "left_ear": (190, 88), "right_ear": (112, 88)}


# --- the two servers' data --------------------------------------------------------------------------------------------


def make_project(folder: Path, size: int) -> None:
    """A project of `size` annotations, all with their picture (the same one), a tenth decided."""
    import hashlib

    from curator.blobs import store_blob
    from curator.imports import import_records
    from curator.project import init_project
    from curator.store import images

    project = init_project(folder)
    picture = _picture()
    digest = hashlib.sha256(picture).hexdigest()
    store_blob(project, digest, picture)
    import_records(project, _records(size), format_name="add", file_name="benchmark")
    db = project.db
    with db.atomic():
        for image_id in [image.id for image in images.all_images(db)]:
            images.set_bytes(
                db, image_id, digest=digest, media_type="image/png", shown_as=None, link_path=None, resampler=None
            )
    project.close()


def _picture() -> bytes:
    import io

    from PIL import Image

    out = io.BytesIO()
    Image.new("RGB", (800, 600), "#e8e0d4").save(out, "PNG")
    return out.getvalue()


def _records(size: int) -> Iterator[Any]:
    from datasets.records import NO_SOURCES, NO_STATES, AnnotationRecord, ImageRecord, replace_letter
    from datasets.skeleton import ADD_TO_COCO, INDEX, NUM_KEYPOINTS

    draw = random.Random(SEED)
    for number in range(size):
        angle, scale = draw.uniform(-0.2, 0.2), draw.uniform(0.7, 1.4)

        def place(at: tuple[float, float], angle: float = angle, scale: float = scale) -> list[float]:
            x, y = at[0] - 150 + draw.gauss(0, 3), at[1] - 200 + draw.gauss(0, 3)
            turned = (x * math.cos(angle) - y * math.sin(angle), x * math.sin(angle) + y * math.cos(angle))
            return [round(2 * (400 + scale * turned[0])) / 2, round(2 * (300 + scale * turned[1])) / 2]

        annotation = AnnotationRecord(points=[None] * NUM_KEYPOINTS, states=NO_STATES, sources=NO_SOURCES)
        for name, at in JOINTS.items():
            if name in ADD_TO_COCO:
                annotation.points[INDEX[ADD_TO_COCO[name]]] = place(at)
                annotation.sources = replace_letter(annotation.sources, ADD_TO_COCO[name], "i")
            else:
                annotation.extras[name] = place(at)
        if number % round(1 / DECIDED_SHARE) == 0:
            for name, at in FACE_PLACES.items():
                annotation.points[INDEX[name]] = place(at)
                annotation.states = replace_letter(annotation.states, name, "v" if "eye" in name else "h")
                annotation.sources = replace_letter(annotation.sources, name, "c")
        yield ImageRecord(
            file_name=f"data/images/{number + 1}.png",
            width=800,
            height=600,
            source="danbooru",
            source_id=str(number + 1),
            annotations=[annotation],
        )


def make_bare(path: Path, project: Path) -> None:
    """The bare app's table: a row an annotation, its JSON what our API says of it."""
    import sqlite3

    import msgspec

    from curator.project import open_project
    from curator.store import annotations
    from curator.workbench import annotation_view

    opened = open_project(project)
    conn = sqlite3.connect(path)
    conn.execute("PRAGMA journal_mode=WAL")
    conn.execute("CREATE TABLE tasks (id INTEGER PRIMARY KEY, body TEXT NOT NULL, is_open INTEGER NOT NULL)")
    conn.execute("CREATE INDEX open_tasks ON tasks(id) WHERE is_open = 1")
    conn.execute("CREATE TABLE log (id INTEGER PRIMARY KEY, task_id INTEGER NOT NULL, body TEXT NOT NULL)")
    conn.executemany(
        "INSERT INTO tasks VALUES (?, ?, ?)",
        (
            (one.id, msgspec.json.encode(annotation_view(one)).decode(), one.record.states[1] == "u")
            for one in annotations.all_annotations(opened.db)
        ),
    )
    conn.commit()
    conn.close()
    opened.close()


def serve_bare(path: Path) -> None:
    """The bare app, until killed; prints its address."""
    import socket
    import sqlite3

    import waitress
    from flask import Flask, jsonify, request

    from annotator_ui.server import THREADS

    app = Flask("bare")
    local = threading.local()

    def db() -> sqlite3.Connection:
        if not hasattr(local, "conn"):
            local.conn = sqlite3.connect(path, timeout=30, isolation_level=None)
            local.conn.execute("PRAGMA synchronous=FULL")
            local.conn.execute("PRAGMA cache_size=-65536")
        return local.conn

    @app.get("/tasks")
    def tasks() -> Any:
        rows = db().execute(
            "SELECT id, body FROM tasks WHERE is_open = 1 AND id > ? ORDER BY id LIMIT ?",
            (request.args.get("after", 0, int), request.args.get("limit", 4, int)),
        )
        return jsonify(tasks=[{"position": row[0], "annotation": json.loads(row[1])} for row in rows])

    @app.patch("/tasks/<int:task_id>")
    def change(task_id: int) -> Any:
        return save(task_id, is_open=1)

    @app.post("/tasks/<int:task_id>/confirmations")
    def confirm(task_id: int) -> Any:
        return save(task_id, is_open=0)

    def save(task_id: int, *, is_open: int) -> Any:
        sent = request.get_json()
        conn = db()
        conn.execute("BEGIN IMMEDIATE")
        body = json.loads(conn.execute("SELECT body FROM tasks WHERE id = ?", (task_id,)).fetchone()[0])
        body["keypoints"].update(sent["changes"].get("keypoints", {}))
        body["box"].update(sent["changes"].get("box") or {})
        body["version"] += 1
        conn.execute("UPDATE tasks SET body = ?, is_open = ? WHERE id = ?", (json.dumps(body), is_open, task_id))
        conn.execute("INSERT INTO log (task_id, body) VALUES (?, ?)", (task_id, request.get_data(as_text=True)))
        conn.execute("COMMIT")
        return jsonify(ok=True, version=body["version"])

    listener = socket.create_server(("127.0.0.1", 0))
    print(json.dumps({"address": f"http://127.0.0.1:{listener.getsockname()[1]}"}), flush=True)
    waitress.serve(app, sockets=[listener], threads=THREADS, _quiet=True)


# --- the annotators ---------------------------------------------------------------------------------------------------


@dataclass
class Server:
    """A running server and how its requests are written."""

    name: str
    command: list[str]
    tasks_path: str
    change_path: str
    process: subprocess.Popen[str] = field(init=False)
    port: int = field(init=False)

    def start(self) -> None:
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", *self.command],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"labelling: the server {self.name} did not start")
        self.port = int(json.loads(line)["address"].rsplit(":", 1)[1])

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


class Annotator:
    """One person at one server: a connection kept open, a place in the queue, milliseconds by operation."""

    def __init__(self, server: Server, after: int, seed: int) -> None:
        self.server = server
        self.after = after
        self.draw = random.Random(seed)
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        self.waiting: list[dict[str, Any]] = []

    def work(self, drawings: int, times_ms: dict[str, list[float]]) -> None:
        """Label so many drawings."""
        for _ in range(drawings):
            page = self._timed(times_ms, "next 4", "GET", f"{self.server.tasks_path}?after={self.after}&limit=4")
            task = page["tasks"][0]
            annotation = task["annotation"]
            path = self.server.change_path.format(annotation["id"])
            edit = self._keypoint("left_eye")
            saved = self._timed(
                times_ms, "edit", "PATCH", path, self._change(annotation["version"], {"keypoints": {"left_eye": edit}})
            )
            answer = self._change(
                saved["version"],
                {
                    "keypoints": {name: self._keypoint(name) for name in FACE},
                    "box": {"bbox_xywh": [250.5, 60.0, 300.0, 480.0], "source": "confirmed", "confirmed": True},
                },
            )
            answer |= {"queue": "face", "shown": task.get("prediction") or _shown(self), "active_ms": 4200}
            self._timed(times_ms, "confirm", "POST", f"{path}/confirmations", answer)
            self.after = annotation["id"]
            self._timed(times_ms, "next 1", "GET", f"{self.server.tasks_path}?after={self.after}&limit=1")

    def close(self) -> None:
        self.connection.close()

    def _keypoint(self, name: str) -> dict[str, Any]:
        x, y = FACE_PLACES[name]
        at = {"x": 250 + x + self.draw.gauss(0, 2), "y": 100 + y + self.draw.gauss(0, 2)}
        return {**at, "state": "visible", "source": "placed"}

    def _change(self, version: int, changes: dict[str, Any]) -> dict[str, Any]:
        return {"change_id": str(uuid.uuid4()), "base_version": version, "changes": changes}

    def _timed(
        self, times_ms: dict[str, list[float]], name: str, method: str, path: str, body: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        headers = {} if data is None else {"Content-Type": "application/json"}
        begun = time.perf_counter()
        self.connection.request(method, path, data, headers)
        response = self.connection.getresponse()
        answered = response.read()
        times_ms[name].append(1e3 * (time.perf_counter() - begun))
        if response.status != 200:
            raise RuntimeError(f"{self.server.name}: {method} {path} answered {response.status}: {answered[:300]!r}")
        found: dict[str, Any] = json.loads(answered)
        return found


def _shown(annotator: Annotator) -> dict[str, Any]:
    """The bare app proposes nothing: its confirmations carry as many bytes all the same."""
    points = {name: {"x": 301.125, "y": 182.25, "state": "visible", "score": 0.8125} for name in FACE}
    box = {"bbox_xywh": [250.5, 60.0, 300.0, 480.0], "source": "joints"}
    return {"model": "geometry", "model_version": "geometry-1+100", "keypoints": points, "box": box}


# --- the comparison ---------------------------------------------------------------------------------------------------


def compare(
    size: int, num_annotators: int, servers: list[Server], *, rounds: int, drawings: int
) -> list[dict[str, Any]]:
    """Let annotators work at both servers in turns; a row an operation."""
    times_ms: list[dict[str, dict[str, list[float]]]] = []  # a round, a server, an operation
    elapsed_s = {server.name: 0.0 for server in servers}
    # Everybody has a stretch of the queue; one who comes after others begins behind them.
    step = size // (num_annotators + 1)
    crew = {s.name: [Annotator(s, k * step, SEED + k) for k in range(num_annotators)] for s in servers}
    for server in servers:  # the first requests open connections and load code
        _all_work(crew[server.name], 2, {name: [] for name in OPERATIONS})
    for number in range(rounds):
        times_ms.append({server.name: {name: [] for name in OPERATIONS} for server in servers})
        for server in servers if number % 2 == 0 else servers[::-1]:
            begun = time.perf_counter()
            _all_work(crew[server.name], drawings, times_ms[number][server.name])
            elapsed_s[server.name] += time.perf_counter() - begun
    for annotators in crew.values():
        for annotator in annotators:
            annotator.close()
    rows = []
    for name in OPERATIONS:
        row: dict[str, Any] = {"annotations": size, "annotators": num_annotators, "request": name}
        for server in servers:
            values = [value for one in times_ms for value in one[server.name][name]]
            row[server.name] = {
                "p50_ms": round(quantile(values, 0.5), 3),
                "p95_ms": round(quantile(values, 0.95), 3),
                "requests": len(values),
                "seconds": round(elapsed_s[server.name], 2),
            }
        ratios = [quantile(one["ours"][name], 0.5) / quantile(one["bare"][name], 0.5) for one in times_ms]
        row["ratio_p50"] = round(quantile(ratios, 0.5), 2)
        row["ratio_p95"] = round(row["ours"]["p95_ms"] / row["bare"]["p95_ms"], 2)
        rows.append(row)
    return rows


def _all_work(crew: list[Annotator], drawings: int, times_ms: dict[str, list[float]]) -> None:
    if len(crew) == 1:
        crew[0].work(drawings, times_ms)
        return
    failures: list[BaseException] = []

    def work(annotator: Annotator) -> None:
        try:
            annotator.work(drawings, times_ms)
        except Exception as error:  # noqa: BLE001 - handed on to the main thread
            failures.append(error)

    threads = [threading.Thread(target=work, args=(annotator,)) for annotator in crew]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def quantile(values: list[float], share: float) -> float:
    """The value below which that share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def table(rows: list[dict[str, Any]]) -> str:
    """The rows as a table for people."""
    lines = [
        f"{'annotations':>11} {'annotators':>10}  {'request':<8} {'ours p50':>9} {'bare p50':>9} {'ratio':>6}"
        f" {'ours p95':>10} {'bare p95':>9} {'ratio':>6}"
    ]
    for row in rows:
        lines.append(
            f"{row['annotations']:>11,} {row['annotators']:>10}  {row['request']:<8} {row['ours']['p50_ms']:>9.2f}"
            f" {row['bare']['p50_ms']:>9.2f} {row['ratio_p50']:>6.2f} {row['ours']['p95_ms']:>10.2f}"
            f" {row['bare']['p95_ms']:>9.2f} {row['ratio_p95']:>6.2f}"
        )
    return "\n".join(lines)


def machine_in_words() -> str:
    """Where this ran: figures mean little without it."""
    return (
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()},"
        f" {time.strftime('%Y-%m-%d', time.gmtime())}"
    )


def main() -> int:
    """Run the comparison; 1 when the claim does not hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), help="annotations in the project")
    parser.add_argument("--annotators", type=int, nargs="+", default=list(ANNOTATORS))
    parser.add_argument("--rounds", type=int, default=10, help="turns of each server")
    parser.add_argument("--drawings", type=int, default=15, help="drawings an annotator labels in a turn")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.add_argument("--bare", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.bare is not None:
        serve_bare(options.bare)
        return 0
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as scratch:
        for size in options.sizes:
            project, bare = Path(scratch) / str(size), Path(scratch) / f"{size}.db"
            print(f"making {size:,} annotations ...", file=sys.stderr, flush=True)
            make_project(project, size)
            make_bare(bare, project)
            servers = [
                Server(
                    "ours",
                    ["curator", "-p", str(project), "serve", "--port", "0", "--json"],
                    "/api/queues/face/tasks",
                    "/api/annotations/{}",
                ),
                Server("bare", ["benchmarks.labelling", "--bare", str(bare)], "/tasks", "/tasks/{}"),
            ]
            try:
                for server in servers:
                    server.start()
                for num_annotators in options.annotators:
                    rounds = max(2, options.rounds // (1 if num_annotators == 1 else 2))
                    rows += compare(size, num_annotators, servers, rounds=rounds, drawings=options.drawings)
            finally:
                for server in servers:
                    if hasattr(server, "process"):
                        server.stop()
    worst = max((row["ratio_p50"] for row in rows if row["annotators"] == 1), default=0.0)
    holds = worst <= GOAL
    if options.json:
        print(json.dumps({"machine": machine_in_words(), "goal": GOAL, "worst": worst, "holds": holds, "rows": rows}))
    else:
        print(machine_in_words())
        print("milliseconds a request; each 200 is on the disk (WAL, synchronous=FULL)")
        print(table(rows))
        verdict = "holds" if holds else "does NOT hold"
        print(f"one annotator, slowest median: {worst:.2f} times the bare app's; goal at most {GOAL:g}: {verdict}")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
