"""Open our exported files with other projects' libraries, and compare what they read with the files.

    python tools/interop.py FOLDER      the folder that `curator export coco --out FOLDER` wrote

Runs in .venv-interop (`make interop`), where nothing of ours is installed: each file is opened as a stranger would. The
files themselves, read by `json`, say what has to be found.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any


def main(folder: Path) -> int:
    """Try every library on every annotation file below `folder`; 1 when one disagrees or there is no file."""
    files = [path for path in sorted(folder.rglob("*.json")) if _is_coco(path)]
    if not files:
        print(f"{folder}: holds no COCO annotation file", file=sys.stderr)
        return 1
    failed = 0
    for path in files:
        written = json.loads(path.read_text(encoding="utf-8"))
        for library, check in CHECKS.items():
            try:
                with contextlib.redirect_stdout(io.StringIO()):
                    found = check(path, written)
            except Exception as problem:  # noqa: BLE001 - whatever the stranger raises is the finding
                found = f"cannot open it: {type(problem).__name__}: {problem}"
            failed += found is not None
            print(f"{path.relative_to(folder)}: {library} {version(library)}: {found or 'agrees'}")
    return 1 if failed else 0


def with_pycocotools(path: Path, written: dict[str, Any]) -> str | None:
    """Load, index and count; keypoints and boxes of every annotation to the last digit; OKS of the file with itself."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    read = COCO(str(path))
    if sorted(read.getImgIds()) != sorted(image["id"] for image in written["images"]):
        return "other images"
    people = read.getCatIds(catNms=["person"])
    if len(people) != 1:
        return f"{len(people)} categories named person"
    for annotation in written["annotations"]:
        (found,) = read.loadAnns([annotation["id"]])
        if found["keypoints"] != annotation["keypoints"] or found["bbox"] != annotation["bbox"]:
            return f"annotation {annotation['id']} differs"
    labelled = [a for a in written["annotations"] if a["num_keypoints"] and not a.get("iscrowd")]
    if not labelled or len(labelled[0]["keypoints"]) != 17 * 3:
        return None
    said = read.loadRes([
        {"image_id": a["image_id"], "category_id": a["category_id"], "keypoints": a["keypoints"], "score": 1.0}
        for a in labelled
    ])  # fmt: skip
    evaluation = COCOeval(read, said, "keypoints")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return None if evaluation.stats[0] > 0.999 else f"AP of the file with itself is {evaluation.stats[0]:.4f}"


def with_datumaro(path: Path, written: dict[str, Any]) -> str | None:
    """Open as `coco_person_keypoints`; images, and points and boxes of every annotation within its rounding."""
    import datumaro

    with tempfile.TemporaryDirectory() as folder:
        # Datumaro knows a file by its name and folder, and wants a folder of images, be it empty.
        place = Path(folder, "annotations")
        place.mkdir()
        Path(folder, "images").mkdir()
        (place / "person_keypoints_train.json").write_bytes(path.read_bytes())
        dataset = datumaro.Dataset.import_from(folder, "coco_person_keypoints")
        items = list(dataset)
        read = {points.id: points for item in items for points in item.annotations if hasattr(points, "visibility")}
    if len(items) != len(written["images"]):
        return f"{len(items)} images, the file has {len(written['images'])}"
    for annotation in written["annotations"]:
        if not annotation["num_keypoints"]:
            continue
        found = read.get(annotation["id"])
        if found is None:
            return f"annotation {annotation['id']} is missing"
        expected = [value for k, value in enumerate(annotation["keypoints"]) if k % 3 != 2]
        if max(abs(a - b) for a, b in zip(found.points, expected, strict=True)) > 0.01:
            return f"annotation {annotation['id']}: other points"
        states = [int(state.value) for state in found.visibility]
        if states != annotation["keypoints"][2::3]:
            return f"annotation {annotation['id']}: other visibilities"
    return None


CHECKS: dict[str, Callable[[Path, dict[str, Any]], str | None]] = {
    "pycocotools": with_pycocotools,
    "datumaro": with_datumaro,
}


def _is_coco(path: Path) -> bool:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return False
    return isinstance(content, dict) and {"images", "annotations", "categories"} <= content.keys()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: interop.py FOLDER")
    sys.exit(main(Path(sys.argv[1])))
