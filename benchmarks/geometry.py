"""The model `geometry` on characters it was not fitted on, beside a mean offset and the commoner state.

    python -m benchmarks.geometry                        1,500 held-out characters, about a minute
    python -m benchmarks.geometry --characters 300 --json

Errors are distances in nose-to-neck lengths. The peer is what one would write in five minutes: each keypoint at its
mean offset from the nose, in the same frame (turned and scaled with the head), the means taken over characters that
`geometry` was fitted on; for the state, the one that is commoner there. Held-out seeds are not among the fitted ones;
joints come exact ("exact") and placed as people would ("jittered": 0.05 to 0.08 lengths off). The learning curve labels
another style (chibi, by six artists with eyes and ears elsewhere, ears hidden more often). Where AnimeDrawingsDataset
is at hand, the shape of what is proposed for its 2,000 records is shown: nobody has labelled those.

The claim (exit 1 where it does not hold): a smaller mean error than the mean offset's for eyes and for ears, all and
visible ones; more right states than the commoner; a refit with 5,000 labels in 50 ms, the
fastest of fifteen (what else the machine does is not the model's; the median is shown beside it).
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as `curator serve` has it; before numpy loads

import argparse
import json
import platform
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Final

import numpy as np

from datasets.skeleton import ADD_EXTRAS, ADD_TO_COCO, FACE_KEYPOINTS, INDEX, NUM_KEYPOINTS
from models.fit_geometry import TRAIN_SEEDS, characters, jittered, restyled
from models.geometry import (
    HEAD,
    JOINTS,
    L_SHOULDER,
    NECK,
    NOSE,
    R_SHOULDER,
    ROOT,
    TIERS,
    TOLERANCE,
    Drawing,
    GeometryFit,
    GeometryModel,
    Known,
    frame_of,
    known,
)

HELD_OUT: Final = 200_000
CHIBI: Final = 300_000
NUM_BASELINE: Final = 600
LABEL_COUNTS: Final = (0, 10, 50, 200)
STYLES: Final = (11, 12, 13, 14, 15, 16)
GOAL_REFIT_MS: Final = 50.0
ADD_FILE: Final = Path(__file__).resolve().parents[2] / "shared" / "data" / "add" / "data.json"
PARTS: Final = {"eyes": [0, 1], "ears": [2, 3]}


def blind(seen: Known) -> Known:
    """The same drawings, eyes and ears unknown."""
    return Known(seen.joints, np.full_like(seen.faces, np.nan), seen.boxes_xywh, seen.is_visible)


def lengths(seen: Known) -> np.ndarray:
    """(N,) nose-to-neck length of each drawing in pixels."""
    return np.linalg.norm(seen.joints[:, NOSE] - seen.joints[:, NECK], axis=1)


def distances(places: np.ndarray, truth: Known) -> np.ndarray:
    """(N, 4) errors in nose-to-neck lengths, NaN where the truth has no place."""
    return np.linalg.norm(places - truth.faces, axis=2) / lengths(truth)[:, None]


def mean_offset(train: Known, test: Known) -> tuple[np.ndarray, np.ndarray]:
    """The peer: places (N, 4, 2) by mean offset from the nose in the head's frame, and its commoner state (4,)."""
    frame, target = frame_of("neck", train), frame_of("neck", test)
    offsets = np.nanmean(frame.enter(train.faces)[frame.ok], axis=0)
    has = np.isfinite(train.faces).all(-1)
    commoner = (train.is_visible & has).sum(0) * 2 > has.sum(0)
    return target.leave(np.tile(offsets, (len(test), 1, 1))), commoner


def errors(model: GeometryModel, train: Known, test: Known, read: Known) -> list[dict[str, Any]]:
    """Mean and median error and share of right states, by part, of geometry and its peer. `read` is what they see."""
    places, visible, _, _ = model.predict_arrays(blind(read))
    peer, commoner = mean_offset(train, read)
    has = np.isfinite(test.faces).all(-1)
    rows = []
    for part, columns in PARTS.items():
        ours, theirs = distances(places, test)[:, columns], distances(peer, test)[:, columns]
        for which, mask in (("all", has[:, columns]), ("visible", (has & test.is_visible)[:, columns])):
            right = (visible > 0.5) == test.is_visible
            common = np.broadcast_to(commoner, right.shape) == test.is_visible
            rows.append(
                {
                    "part": part,
                    "which": which,
                    "keypoints": int(mask.sum()),
                    "mean": float(ours[mask].mean()),
                    "median": float(np.median(ours[mask])),
                    "peer_mean": float(theirs[mask].mean()),
                    "peer_median": float(np.median(theirs[mask])),
                    "state": float(right[:, columns][mask].mean()),
                    "peer_state": float(common[:, columns][mask].mean()),
                }
            )
    return rows


def by_tier(model: GeometryModel, test: Known) -> list[dict[str, Any]]:
    """The same drawings read by each tier: what missing joints cost."""
    rows = []
    for tier in TIERS:
        places, visible, scores, index = model.predict_arrays(blind(test), tier)
        off = distances(places, test)
        row: dict[str, Any] = {"tier": tier, "drawings": int((index >= 0).sum())}
        for part, columns in PARTS.items():
            has = np.isfinite(off[:, columns])
            row[part] = float(off[:, columns][has].mean())
            row[f"{part}_state"] = float(((visible > 0.5) == test.is_visible)[:, columns][has].mean())
            row[f"{part}_score"] = float(scores[:, columns][has].mean())
            row[f"{part}_within"] = float((off[:, columns][has] < TOLERANCE).mean())
        rows.append(row)
    return rows


def with_evidence(model: GeometryModel, test: Known) -> dict[str, float]:
    """Mean error of each other keypoint when a person has placed the left eye."""
    faces = np.full_like(test.faces, np.nan)
    faces[:, 0] = test.faces[:, 0]
    without = distances(model.predict_arrays(blind(test))[0], test)
    places = model.predict_arrays(Known(test.joints, faces, test.boxes_xywh, test.is_visible))[0]
    told = distances(places, test)
    answer = {}
    for column, name in enumerate(FACE_KEYPOINTS[1:], 1):
        answer[f"{name} without"] = float(np.nanmean(without[:, column]))
        answer[f"{name} with"] = float(np.nanmean(told[:, column]))
    return answer


def calibration(model: GeometryModel, test: Known, read: Known) -> list[dict[str, float]]:
    """In five ranges of the score: its mean, and the share that did lie within the tolerance."""
    places, _, scores, _ = model.predict_arrays(blind(read))
    off = distances(places, test)
    has = np.isfinite(off)
    score, hit = scores[has], off[has] < TOLERANCE
    rows = []
    for low, high in ((0, 0.2), (0.2, 0.4), (0.4, 0.6), (0.6, 0.8), (0.8, 1.0001)):
        mask = (score >= low) & (score < high)
        if mask.sum() >= 20:
            said, was = float(score[mask].mean()), float(hit[mask].mean())
            rows.append({"keypoints": int(mask.sum()), "score": said, "within": was})
    return rows


def chibi(seed: int) -> Drawing:
    """A character of two and a half to three heads."""
    from datasets.characters import pose_only, recipe_from_seed

    truth = pose_only(recipe_from_seed(seed, age="chibi"))
    states = "".join(state[0] for state in truth.states[:NUM_KEYPOINTS])
    points = [None if s == "a" else p for p, s in zip(truth.points[:NUM_KEYPOINTS].tolist(), states, strict=True)]
    return points, truth.extras, None, states


def drawings_of(seen: Known) -> list[Drawing]:
    """Arrays back to drawings, as a store would hand them out."""
    drawings: list[Drawing] = []
    for joints, faces, is_visible in zip(seen.joints.tolist(), seen.faces.tolist(), seen.is_visible, strict=True):
        points: list[Any] = [None] * NUM_KEYPOINTS
        states = ["u"] * NUM_KEYPOINTS
        for name, joint in zip(JOINTS[:5], joints[:5], strict=True):
            points[INDEX[name]] = joint
        for name, place, shown in zip(FACE_KEYPOINTS, faces, is_visible, strict=True):
            if np.isfinite(place).all():
                points[INDEX[name]], states[INDEX[name]] = place, "v" if shown else "h"
        extras = {"nose_root": joints[ROOT], "neck": joints[NECK], "head": joints[HEAD]}
        drawings.append((points, extras, None, "".join(states)))
    return drawings


def learning_curve(model: GeometryModel, heads: Known, num_judges: int) -> list[dict[str, float]]:
    """Errors on unseen drawings of a style after so many labels, with the shipped prior and with hardly any."""
    alone = GeometryModel(model.version, model.tiers, (0.01, 0.01, 0.01, 0.01))
    rows = []
    for count in LABEL_COUNTS:
        found: dict[str, list[float]] = {}
        for style in STYLES:
            own = restyled(heads, style)
            judges = own.rows(np.arange(num_judges))
            labelled = drawings_of(own.rows(np.arange(num_judges, num_judges + count)))
            for name, prior in (("", model), ("alone_", alone)):
                fit = GeometryFit(prior)
                for key, (points, extras, _, states) in enumerate(labelled):
                    fit.put(key, points, extras, states or "")
                places, visible, scores, _ = fit.model().predict_arrays(blind(judges))
                off = distances(places, judges)
                for part, columns in PARTS.items():
                    has = np.isfinite(off[:, columns])
                    found.setdefault(name + part, []).append(off[:, columns][has].mean())
                    right = ((visible > 0.5) == judges.is_visible)[:, columns][has]
                    found.setdefault(f"{name}{part}_state", []).append(right.mean())
                    if name:
                        continue
                    found.setdefault(f"{name}{part}_score", []).append(scores[:, columns][has].mean())
                    found.setdefault(f"{name}{part}_within", []).append((off[:, columns][has] < TOLERANCE).mean())
        rows.append({"labels": count, **{key: float(np.mean(values)) for key, values in found.items()}})
    return rows


def refit_times(model: GeometryModel, heads: Known) -> list[dict[str, float]]:
    """Milliseconds from one more label to the new model, and of predicting 2,000 drawings."""
    drawings = drawings_of(heads)
    rows = []
    for count in (2000, 5000):
        fit = GeometryFit(model)
        for key in range(count):
            points, extras, _, states = drawings[key % len(drawings)]
            fit.put(key, points, extras, states or "")
        begun = time.perf_counter()
        fit.model()
        first = 1e3 * (time.perf_counter() - begun)
        taken, cpu = [], []
        for turn in range(15):
            points, extras, _, states = drawings[turn]
            fit.put(count // 2 + turn, points, extras, states or "")
            begun, worked = time.perf_counter(), time.process_time()
            fit.model()
            taken.append(1e3 * (time.perf_counter() - begun))
            cpu.append(1e3 * (time.process_time() - worked))
        row = {"labels": count, "first_ms": first, "refit_ms": float(np.median(taken)), "fastest_ms": min(taken)}
        rows.append({**row, "refit_cpu_ms": float(np.median(cpu))})
    many = [(points, extras, None, None) for points, extras, _, _ in drawings_of(blind(heads))]
    many = (many * (2000 // len(many) + 1))[:2000]
    begun = time.perf_counter()
    model.predict_many(many)
    rows.append({"predict_2000_ms": 1e3 * (time.perf_counter() - begun)})
    return rows


def on_add(model: GeometryModel) -> dict[str, Any] | None:
    """What is proposed for ADD's records, none of which has eyes or ears to compare with; None where ADD is absent."""
    if not ADD_FILE.exists():
        return None
    drawings: list[Drawing] = []
    for record in json.loads(ADD_FILE.read_text(encoding="utf-8")):
        points: list[Any] = [None] * NUM_KEYPOINTS
        for theirs, ours in ADD_TO_COCO.items():
            points[INDEX[ours]] = record["points"][theirs]
        drawings.append((points, {name: record["points"][name] for name in ADD_EXTRAS}, None, None))
    seen = known(drawings)
    places, visible, scores, index = model.predict_arrays(seen)
    off = np.linalg.norm(places - seen.joints[:, [ROOT]], axis=2) / lengths(seen)[:, None]
    q, joints = (frame_of("add", seen).enter(v) for v in (places, seen.joints))
    across = joints[:, L_SHOULDER, 0] - joints[:, R_SHOULDER, 0]
    eyes = q[:, 0, 0] - q[:, 1, 0]
    middle = q[:, :2, 1].mean(1)

    def spread(v: np.ndarray) -> list[float]:
        return np.percentile(v, [1, 25, 50, 75, 99, 100]).round(3).tolist()

    return {
        "records": len(drawings),
        "not placed": int((index < 0).sum()),
        "eye to nose root, percentiles 1 25 50 75 99 100": spread(off[:, :2]),
        "ear to nose root, the same": spread(off[:, 2:]),
        "eyes above nose root, the same": spread(middle),
        "left eye on the left shoulder's side, of those facing us": float((eyes[across > 0.8] > 0).mean()),
        "facing us, away": [float((across > 0.8).mean()), float((across < -0.8).mean())],
        "visible": dict(zip(FACE_KEYPOINTS, (visible > 0.5).mean(0).round(3).tolist(), strict=True)),
        "scores": dict(zip(FACE_KEYPOINTS, scores.mean(0).round(3).tolist(), strict=True)),
    }


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Rows as aligned text, numbers to three digits."""
    cells = [[f"{v:.3f}" if isinstance(v, float) else str(v) for v in row.values()] for row in rows]
    lines = [list(rows[0]), *cells]
    widths = [max(len(line[k]) for line in lines) for k in range(len(lines[0]))]
    return "\n".join("  " + "  ".join(cell.rjust(w) for cell, w in zip(line, widths, strict=True)) for line in lines)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Errors of the model `geometry` beside a mean offset.")
    parser.add_argument("--characters", type=int, default=1500, help="how many held-out characters")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(argv)
    model = GeometryModel.shipped()
    cores = os.cpu_count() or 1
    train = characters(TRAIN_SEEDS[:NUM_BASELINE], cores)
    test = characters(range(HELD_OUT, HELD_OUT + options.characters), cores)
    num_judges = min(options.characters, 600)
    with ProcessPoolExecutor(cores) as pool:
        heads = known(list(pool.map(chibi, range(CHIBI, CHIBI + num_judges + max(LABEL_COUNTS)), chunksize=25)))
    # One jittered copy: the first of those that fitting makes, unturned, whose truth is the test's own.
    shaken = jittered(test, 7, turned=False).rows(np.arange(len(test)))
    results: dict[str, Any] = {
        "exact": errors(model, train, test, test),
        "jittered": errors(model, train, test, shaken),
        "tiers": by_tier(model, test),
        "left eye known": [with_evidence(model, test)],
        "calibration, exact": calibration(model, test, test),
        "calibration, jittered": calibration(model, test, shaken),
        "labels of another style": learning_curve(model, heads, num_judges),
        "times": refit_times(model, test),
        "add": on_add(model),
    }
    rows = results["exact"] + results["jittered"]
    holds = (
        all(row["mean"] < row["peer_mean"] for row in rows)
        and all(row["state"] > row["peer_state"] for row in rows if row["which"] == "all")
        and results["times"][1]["fastest_ms"] <= GOAL_REFIT_MS
    )
    if options.json:
        facts = {"model": model.version, "machine": platform.machine(), "cores": cores}
        print(json.dumps({**facts, **results, "holds": holds}))
        return 0 if holds else 1
    print(f"{model.version}, {len(test)} held-out characters; distances in nose-to-neck lengths; {cores} cores")
    for name in (
        "exact",
        "jittered",
        "tiers",
        "calibration, exact",
        "calibration, jittered",
        "labels of another style",
    ):
        print(f"{name}:\n{table(results[name])}")
    print(f"left eye known:\n{table(results['left eye known'])}")
    for row in results["times"]:
        print("  ".join(f"{key} {value:g}" for key, value in row.items()))
    for key, value in (results["add"] or {"ADD": "not at hand"}).items():
        print(f"  ADD: {key}: {value}")
    print(f"beats the mean offset, and refits in {GOAL_REFIT_MS:g} ms: {'holds' if holds else 'does NOT hold'}")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
