"""COCO files out and in: ours beside Python's `json` and datumaro, in one run.

    python -m benchmarks.coco_io                              100,000 annotations, five rounds
    python -m benchmarks.coco_io --annotations 20000 --rounds 3 --json
    python -m benchmarks.coco_io --rows records               rows made in memory instead of read from a project

Each measurement is a fresh process that imports what it needs first, then takes wall time and the growth of its peak
memory over one job; the jobs take turns, round by round, the order changing, and medians are compared. All exporters
get the same rows from the same source: a project's store as `curator export` reads it, or records made on the spot.

- export: ours (`write_coco`, with its extra field), `json.dump` of one big object, datumaro's exporter.
- import: one file written without our extra field. Ours reads it to the last record as the store does, one record
  after the other; "ours, kept" holds all of them; `json.load` stops at dicts; datumaro's importer makes its own items.

Goals, exit 1 where one does not hold: export at least 5 times as quick as datumaro in at most
32 MB extra; import at least 1.5 times as quick as `json.load`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from datasets.coco import CocoOptions, CocoRow, read_coco, write_coco
from datasets.records import AnnotationRecord, ImageRecord
from datasets.skeleton import COCO_KEYPOINTS, coco_skeleton

ROOT: Final = Path(__file__).resolve().parent.parent
SEED: Final = 20220104
MEGABYTE: Final = 1024  # in kilobytes


# --- where rows come from ---------------------------------------------------------------------------------------------


def rows_of_records(folder: Path, size: int) -> Iterator[CocoRow]:
    """One annotation an image, made on the spot: a source that costs next to nothing."""
    draw = random.Random(SEED)
    poses = [
        [[round(draw.uniform(0, 800), 2), round(draw.uniform(0, 600), 2)] for _ in COCO_KEYPOINTS] for _ in range(997)
    ]
    for number in range(1, size + 1):
        annotation = AnnotationRecord(
            points=list(poses[number % len(poses)]),
            states="vvvhvvvvvvvhvvvvv",
            sources="icccciiiiiiiiiiii",
            bbox_xywh=[10.5, 20.25, 300 + number % 100, 400.5],
            box_source="confirmed",
            box_confirmed=True,
        )
        image = ImageRecord(f"{number}.jpg", 800, 600, "danbooru", str(number), annotations=[annotation])
        yield CocoRow(number, image, [number])


def prepare_records(folder: Path, size: int) -> None:
    """Records need no preparation."""


def rows_of_store(folder: Path, size: int) -> Iterator[CocoRow]:
    """The rows that `curator export coco` reads, from a project's SQLite file."""
    from curator import exports
    from curator.project import open_project

    project = open_project(folder / "project")
    for row in exports._rows(project.db, exports.CocoExport()):
        yield CocoRow(*row)
    project.close()


def prepare_store(folder: Path, size: int) -> None:
    """A project that holds the same records."""
    from curator.imports import import_records
    from curator.project import init_project

    project = init_project(folder / "project")
    records = (row.image for row in rows_of_records(folder, size))
    import_records(project, records, format_name="coco", file_name="benchmark")
    project.close()


@dataclass(frozen=True)
class RowSource:
    """A source of rows: how it is made ready once, and how it is read."""

    prepare: Callable[[Path, int], None]
    rows: Callable[[Path, int], Iterator[CocoRow]]


ROW_SOURCES: Final = {
    "store": RowSource(prepare_store, rows_of_store),
    "records": RowSource(prepare_records, rows_of_records),
}


# --- the jobs ---------------------------------------------------------------------------------------------------------


def export_ours(rows: Callable[[], Iterable[CocoRow]], folder: Path) -> int:
    """Stream into a file."""
    return write_coco(folder / "ours.json", rows()).annotations


def export_json(rows: Callable[[], Iterable[CocoRow]], folder: Path) -> int:
    """Build one object and dump it: what a script would do."""
    images, annotations = [], []
    v_of = {"v": 2, "h": 1, "u": 2, "a": 0}
    for image_id, image, annotation_ids in rows():
        images.append({"id": image_id, "file_name": image.file_name, "width": image.width, "height": image.height})
        for annotation_id, annotation in zip(annotation_ids, image.annotations, strict=True):
            keypoints: list[float] = []
            for point, state in zip(annotation.points, annotation.states, strict=True):
                keypoints += [0, 0, 0] if point is None else [*point, v_of[state]]
            box = annotation.bbox_xywh or [0, 0, 0, 0]
            annotations.append(
                {
                    "id": annotation_id,
                    "image_id": image_id,
                    "category_id": 1,
                    "keypoints": keypoints,
                    "num_keypoints": sum(v > 0 for v in keypoints[2::3]),
                    "bbox": box,
                    "area": box[2] * box[3],
                    "iscrowd": 0,
                }
            )
    person = {"id": 1, "name": "person", "keypoints": COCO_KEYPOINTS, "skeleton": coco_skeleton()}
    with open(folder / "json.json", "w") as file:
        json.dump({"images": images, "annotations": annotations, "categories": [person]}, file)
    return len(annotations)


def export_datumaro(rows: Callable[[], Iterable[CocoRow]], folder: Path) -> int:
    """Its items, its exporter, no pictures."""
    from datumaro.components.annotation import AnnotationType, Bbox, LabelCategories, Points, PointsCategories
    from datumaro.components.dataset import Dataset
    from datumaro.components.dataset_base import DatasetItem
    from datumaro.components.media import Image

    v_of = {"v": 2, "h": 1, "u": 2, "a": 0}

    class Items:
        def __iter__(self) -> Iterator[DatasetItem]:
            for image_id, image, annotation_ids in rows():
                shapes: list[Any] = []
                for annotation_id, annotation in zip(annotation_ids, image.annotations, strict=True):
                    points = [value for point in annotation.points for value in (point or (0, 0))]
                    visibility = [v_of[state] for state in annotation.states]
                    common = {"label": 0, "id": annotation_id, "group": annotation_id}
                    shapes.append(Points(points, visibility, attributes={"is_crowd": False}, **common))
                    shapes.append(Bbox(*(annotation.bbox_xywh or [0, 0, 0, 0]), **common))
                media = Image.from_file(path=image.file_name, size=(image.height, image.width))
                yield DatasetItem(str(image_id), subset="all", media=media, annotations=shapes)

    categories = {
        AnnotationType.label: LabelCategories.from_iterable(["person"]),
        AnnotationType.points: PointsCategories.from_iterable([(0, list(COCO_KEYPOINTS), coco_skeleton())]),
    }
    dataset = Dataset.from_iterable(Items(), categories=categories, media_type=Image)
    dataset.export(str(folder / "datumaro"), "coco_person_keypoints", save_media=False)
    with open(folder / "datumaro" / "annotations" / "person_keypoints_all.json") as file:
        return file.read().count('"iscrowd"')


def import_ours(path: Path) -> int:
    """Each record once, as the store takes them."""
    return sum(len(image.annotations) for image in read_coco(path) if isinstance(image, ImageRecord))


def import_ours_kept(path: Path) -> int:
    """All records at once."""
    return sum(len(image.annotations) for image in list(read_coco(path)) if isinstance(image, ImageRecord))


def import_json(path: Path) -> int:
    """Python's own parser, to dicts."""
    with open(path) as file:
        return len(json.load(file)["annotations"])


def import_datumaro(path: Path) -> int:
    """Its importer, to its own items."""
    from datumaro.components.dataset import Dataset

    dataset = Dataset.import_from(str(path.parent.parent), "coco_person_keypoints")
    return sum(annotation.type.name == "points" for item in dataset for annotation in item.annotations)


EXPORTS: Final = {"ours": export_ours, "json": export_json, "datumaro": export_datumaro}
IMPORTS: Final = {
    "ours": import_ours,
    "ours, kept": import_ours_kept,
    "json": import_json,
    "datumaro": import_datumaro,
}


def file_to_import(folder: Path) -> Path:
    """Where the file of the imports lies: in the folders that datumaro wants."""
    return folder / "import" / "annotations" / "person_keypoints_all.json"


def measure(job: str, folder: Path, source: str, size: int) -> dict[str, float]:
    """Run one job in this process: seconds, and megabytes by which the peak memory grew."""
    direction, name = job.split(":")
    if name == "datumaro":
        import datumaro.components.dataset
        import datumaro.plugins.data_formats.coco.exporter
        import datumaro.plugins.data_formats.coco.importer  # noqa: F401
    if direction == "export" and source == "store":
        import curator.exports
        import curator.project  # noqa: F401
    held = start_memory()
    start = time.perf_counter()
    if direction == "export":
        count = EXPORTS[name](lambda: ROW_SOURCES[source].rows(folder, size), folder)
    else:
        count = IMPORTS[name](file_to_import(folder))
    seconds = time.perf_counter() - start
    extra = extra_memory(held)
    if count != size:
        raise SystemExit(f"{job}: handled {count} annotations, expected {size}")
    return {"seconds": seconds, "extra_mb": extra / MEGABYTE}


def start_memory() -> tuple[int, int]:
    """Kilobytes that the process holds now, and how many of them are mapped files; its peak starts anew from here."""
    Path("/proc/self/clear_refs").write_text("5")
    return _status_kb("VmRSS"), _status_kb("RssFile")


def extra_memory(held: tuple[int, int]) -> int:
    """Kilobytes by which the peak grew since `held`, without mapped files: SQLite's are the system's cache.

    Not ru_maxrss: that starts from what the parent held when it forked.
    """
    return _status_kb("VmHWM") - held[0] - max(0, _status_kb("RssFile") - held[1])


def _status_kb(field: str) -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.split(f"{field}:")[1].split()[0])


# --- the run ----------------------------------------------------------------------------------------------------------


def run(size: int, rounds: int, source: str) -> dict[str, Any]:
    """All jobs in turns; medians, ratios and whether the goals hold."""
    jobs = [f"export:{name}" for name in EXPORTS] + [f"import:{name}" for name in IMPORTS]
    measured: dict[str, list[dict[str, float]]] = {job: [] for job in jobs}
    with tempfile.TemporaryDirectory(prefix="coco_io") as name:
        folder = Path(name)
        ROW_SOURCES[source].prepare(folder, size)
        path = file_to_import(folder)
        path.parent.mkdir(parents=True)
        (path.parent.parent / "images").mkdir()  # datumaro asks for the folder
        write_coco(path, rows_of_records(folder, size), options=CocoOptions(curator=False))
        num_bytes = path.stat().st_size
        for number in range(rounds):
            print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)
            turn = number % len(jobs)
            for job in jobs[turn:] + jobs[:turn]:
                command = [sys.executable, "-m", "benchmarks.coco_io", "--measure", job, "--folder", str(folder)]
                command += ["--annotations", str(size), "--rows", source]
                done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
                if done.returncode != 0:
                    raise SystemExit(f"{job} failed:\n{done.stderr or done.stdout}")
                measured[job].append(json.loads(done.stdout.splitlines()[-1]))
    medians = {
        job: {key: statistics.median(result[key] for result in results) for key in ("seconds", "extra_mb")}
        for job, results in measured.items()
    }
    seconds = {job: values["seconds"] for job, values in medians.items()}
    goals = [
        ("export, times datumaro", seconds["export:datumaro"] / seconds["export:ours"], ">=", 5.0),
        ("export, extra MB", medians["export:ours"]["extra_mb"], "<=", 32.0),
        ("import, times json", seconds["import:json"] / seconds["import:ours"], ">=", 1.5),
    ]
    return {
        "annotations": size,
        "rounds": rounds,
        "rows": source,
        "import_file_mb": num_bytes / 1e6,
        "device": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "load": os.getloadavg()[0],
        "medians": medians,
        "all": measured,
        "goals": [
            {"what": what, "value": value, "goal": f"{sign} {goal:g}", "held": (value >= goal) == (sign == ">=")}
            for what, value, sign, goal in goals
        ],
    }


def print_table(result: dict[str, Any]) -> None:
    """Medians, each beside the peer's ratio, and the goals."""
    print(
        f"{result['annotations']:,} annotations, rows from {result['rows']}, file to import "
        f"{result['import_file_mb']:.0f} MB, medians of {result['rounds']} rounds ({result['device']})"
    )
    print(f"{'job':24}{'seconds':>9}{'times ours':>12}{'extra MB':>10}")
    for job, values in result["medians"].items():
        direction, name = job.split(":")
        ratio = values["seconds"] / result["medians"][f"{direction}:ours"]["seconds"]
        print(f"{direction + ' ' + name:24}{values['seconds']:9.2f}{ratio:12.1f}{values['extra_mb']:10.0f}")
    for goal in result["goals"]:
        verdict = "holds" if goal["held"] else "DOES NOT HOLD"
        print(f"{goal['what']:24}{goal['value']:9.2f}   goal {goal['goal']:8} {verdict}")


def main() -> int:
    """Run the comparison, or one measurement of it in this process."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--annotations", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--rows", choices=sorted(ROW_SOURCES), default="store", help="where the exported rows come from"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measure(arguments.measure, arguments.folder, arguments.rows, arguments.annotations)))
        return 0
    result = run(arguments.annotations, arguments.rounds, arguments.rows)
    if arguments.json:
        print(json.dumps(result))
    else:
        print_table(result)
    return 0 if all(goal["held"] for goal in result["goals"]) else 1


if __name__ == "__main__":
    sys.exit(main())
