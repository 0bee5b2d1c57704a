"""`python -m models.fit_geometry`: makes the coefficients that ship with `geometry`, from procedural characters.

Nothing is drawn: only where the joints of a few thousand characters are. Two things stand between them and real
drawings, and both are met here: joints of real records were placed by hand (so joints are jittered, and frames turned),
and every artist draws heads differently (so the prior's strength is chosen on streams of restyled heads, whose eyes and
ears sit elsewhere and hide more or less often, rather than on the generator's own). Same seeds, same file.
"""

import argparse
import dataclasses
import hashlib
import json
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Final

import numpy as np

from datasets.skeleton import NUM_KEYPOINTS
from models.geometry import (
    COEFFICIENTS_FILE,
    FORMAT,
    HEAD,
    JOINTS,
    NECK,
    NOSE,
    ROOT,
    TIERS,
    TOLERANCE,
    Drawing,
    GeometryModel,
    Known,
    Labels,
    Tier,
    expand,
    fit_logistic,
    frame_of,
    known,
    labels_of,
    model_from_json,
    numbers_of,
    refit,
    tier_to_json,
)

VERSION: Final = 1
TRAIN_SEEDS: Final = range(100_000, 108_000)
COPIES: Final = 2  # jittered copies of each character
JITTER: Final = 0.05  # nose-to-neck lengths: how far apart two people place the same joint
JITTER_INSIDE: Final = 0.08  # the same for neck and head, which lie inside the drawing and cannot be seen
TURNED: Final = 0.2  # share of copies turned in the picture by any angle; the others by some degrees
ANOTHER_PLACE: Final = 0.08  # nose-to-neck lengths: how two annotators differ in what neck, head, nose root mean
RIDGE: Final = 1e-3
# Candidates for how many labelled drawings the prior counts for: its offsets, its slopes.
OFFSETS: Final = (1.0, 3.0, 10.0)
# No more than 300: the streams move eyes and ears, but cannot foretell what else real drawings do otherwise.
SLOPES: Final = (10.0, 30.0, 100.0, 300.0)
NUM_STREAMS: Final = 16
STREAM_LENGTHS: Final = (5, 20, 80, 300)


def characters(seeds: Sequence[int], num_processes: int = 1) -> Known:
    """The joints of procedural characters, as `geometry` reads drawings. Every other one comes without its box."""
    if num_processes > 1:
        with ProcessPoolExecutor(num_processes) as pool:
            return known(list(pool.map(drawing, seeds, chunksize=50)))
    return known([drawing(seed) for seed in seeds])


def drawing(seed: int) -> Drawing:
    """One procedural character: all that is known of it, face keypoints included."""
    from datasets.characters import pose_only  # heavy, and only the fitting needs it

    truth = pose_only(seed)
    states = "".join(state[0] for state in truth.states[:NUM_KEYPOINTS])
    points = [None if letter == "a" else (float(x), float(y))
              for (x, y), letter in zip(truth.points[:NUM_KEYPOINTS], states, strict=True)]  # fmt: skip
    return points, truth.extras, truth.bbox_xywh if seed % 2 else None, states


def jittered(seen: Known, seed: int, turned: bool = True) -> Known:
    """Characters as people would have annotated them: joints off by a little, some without hips, some turned.

    Boxes stay as they are: a tier that reads the box, or takes the picture's up for the head's, wants no turned ones.
    """
    rng = np.random.default_rng(seed)
    joints = np.tile(seen.joints, (COPIES, 1, 1))
    faces = np.tile(seen.faces, (COPIES, 1, 1))
    boxes, is_visible = np.tile(seen.boxes_xywh, (COPIES, 1)), np.tile(seen.is_visible, (COPIES, 1))
    unit = np.linalg.norm(joints[:, NOSE] - joints[:, NECK], axis=1)
    unit = np.where(np.isfinite(unit), unit, 0.0)[:, None, None]
    sigma = np.full((len(JOINTS), 1), JITTER)
    sigma[[NECK, HEAD]] = JITTER_INSIDE
    joints = joints + rng.normal(size=joints.shape) * sigma * unit
    joints[rng.random(len(joints)) < 0.1, 3:5] = np.nan
    anyhow, hardly = rng.uniform(-np.pi, np.pi, len(joints)), rng.normal(0, 0.1, len(joints))
    angle = np.where(rng.random(len(joints)) < TURNED, anyhow, hardly) * turned
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]).transpose(2, 1, 0)
    return Known(joints @ turn, faces @ turn, boxes, is_visible)


def fit_tier(name: str, seen: Known) -> Tier:
    """Fit one tier to characters from nothing."""
    frame = frame_of(name, seen)
    seen, frame = seen.rows(np.flatnonzero(frame.ok)), frame_of(name, seen.rows(np.flatnonzero(frame.ok)))
    numbers, parity = numbers_of(name, seen, frame)
    z_mean = np.where(parity > 0, np.nanmean(numbers, axis=0), 0.0)
    z_scale = np.maximum(np.sqrt(np.nanmean((numbers - z_mean) ** 2, axis=0)), 0.02)
    parities = expand(parity[None])[0]
    blank = _blank(name, z_mean, z_scale, parities)
    features, _ = blank.features(seen, frame)
    feature_mean = np.where(parities > 0, features.mean(0), 0.0)
    feature_mean[0] = 0.0
    length = np.linalg.norm(seen.joints[:, NOSE] - seen.joints[:, NECK], axis=1) / frame.unit
    tier = dataclasses.replace(blank, feature_mean=feature_mean, nose_to_neck=float(np.nanmedian(length)))
    labels = labels_of(tier, seen)
    # Gram of both sides: products of an odd and an even feature cancel.
    gram = labels.features.T @ labels.features / len(labels.features)
    tier = dataclasses.replace(tier, gram=gram * (parities[:, None] * parities > 0))
    return _fitted(tier, labels)


def _blank(name: str, z_mean: np.ndarray, z_scale: np.ndarray, parity: np.ndarray) -> Tier:
    size = len(parity)
    return Tier(
        name, z_mean, z_scale, parity, np.zeros(size), np.zeros((2, size, 2)), np.zeros((2, size)), np.zeros((2, size)),
        np.zeros((size, size)), np.ones(2), np.ones(2), np.tile([2.0, 0.0], (2, 1)), np.eye(8), np.full(2, np.inf), 1.0,
    )  # fmt: skip


def _fitted(tier: Tier, labels: Labels) -> Tier:
    place, state, log_variance = tier.place.copy(), tier.state.copy(), tier.log_variance.copy()
    spread, spread_mean, logistic, reach = np.ones(2), np.ones(2), tier.logistic.copy(), np.ones(2)
    residuals = np.full((len(labels.features), 4, 2), np.nan)
    for part in (0, 1):
        rows, targets, signs = _both_sides(tier, labels, part)
        place[part] = _ridge(rows, targets)
        state[part] = _ridge(rows, signs[:, None])[:, 0]
        square = ((targets - rows @ place[part]) ** 2).sum(1) / 2
        log_variance[part] = _ridge(rows, np.log(square + 1e-4)[:, None], 10 * RIDGE)[:, 0]
        reach[part] = 1.2 * np.quantile(np.linalg.norm(targets, axis=1), 0.99)
        variance = np.exp(np.clip(rows @ log_variance[part] + np.euler_gamma, -12.0, 3.0))
        tolerance = TOLERANCE * tier.nose_to_neck
        spread[part] = _honest_spread(square, variance, tolerance)
        spread_mean[part] = np.minimum(square / (variance * spread[part]), 20.0).mean()
        logistic[part] = fit_logistic(rows @ state[part], signs, logistic[part], 1e-3)
        for side in (0, 1):
            column = 2 * part + side
            own = labels.features * (tier.parity if side else 1.0)
            off = labels.targets[:, column] - own @ place[part]
            scale = np.sqrt(np.exp(np.clip(own @ log_variance[part] + np.euler_gamma, -12.0, 3.0)) * spread[part])
            residuals[:, column] = np.where(labels.counts[:, column, None], off / scale[:, None], np.nan)
    return dataclasses.replace(
        tier, place=place, state=state, log_variance=log_variance, spread=spread, spread_mean=spread_mean,
        logistic=logistic, reach=reach, correlation=_correlation(residuals),
    )  # fmt: skip


def _both_sides(tier: Tier, labels: Labels, part: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    left, right = labels.counts[:, 2 * part], labels.counts[:, 2 * part + 1]
    return (
        np.concatenate([labels.features[left], labels.features[right] * tier.parity]),
        np.concatenate([labels.targets[left, 2 * part], labels.targets[right, 2 * part + 1]]),
        np.concatenate([labels.signs[left, 2 * part], labels.signs[right, 2 * part + 1]]),
    )


def _ridge(rows: np.ndarray, targets: np.ndarray, ridge: float = RIDGE) -> np.ndarray:
    penalty = ridge * len(rows) * np.eye(rows.shape[1])
    penalty[0, 0] = 0.0
    return np.linalg.solve(rows.T @ rows + penalty, rows.T @ targets)


def _honest_spread(square: np.ndarray, variance: np.ndarray, tolerance: float) -> float:
    """The factor on the variances with which the mean score is the share that lies within the tolerance."""
    share = float((2 * square <= tolerance**2).mean())
    low, high = -5.0, 5.0
    for _ in range(50):
        middle = (low + high) / 2
        score = float((1 - np.exp(-(tolerance**2) / (2 * variance * np.exp(middle)))).mean())
        low, high = (middle, high) if score > share else (low, middle)
    return float(np.exp((low + high) / 2))


def _correlation(residuals: np.ndarray) -> np.ndarray:
    """(8, 8) over characters with all four keypoints and over their mirrored selves."""
    whole = residuals[np.isfinite(residuals).all((1, 2))]
    flat = np.clip(np.concatenate([whole, whole[:, [1, 0, 3, 2]]]).reshape(-1, 8), -3.0, 3.0)
    product = flat.T @ flat
    scale = np.sqrt(np.diag(product))
    return product / np.outer(scale, scale)


def restyled(seen: Known, seed: int) -> Known:
    """The same heads by another artist: eyes and ears wider, higher, and hidden more often, all of them alike.

    And by another annotator, to whom neck, head and root of the nose mean places a little above or below.
    """
    rng = np.random.default_rng(seed)
    frame = frame_of("add", seen)
    q = frame.enter(seen.faces)
    joints = frame.enter(seen.joints)
    joints[:, [ROOT, NECK, HEAD], 1] += rng.normal(0, ANOTHER_PLACE, 3)
    is_visible = seen.is_visible.copy()
    for part, (width, height, hidden) in enumerate(((0.15, 0.10, (0.0, 0.0, 0.1)), (0.15, 0.15, (0.0, 0.5, 1.0)))):
        left, right = q[:, 2 * part], q[:, 2 * part + 1]
        middle, half = (left + right) / 2, (left - right) / 2 * (1 + rng.normal(0, width))
        middle = middle + np.array([0.0, rng.normal(0, height)])
        q[:, 2 * part], q[:, 2 * part + 1] = middle + half, middle - half
        # Hair falls over one side at a time.
        is_visible[:, 2 * part : 2 * part + 2] &= rng.random((len(q), 2)) >= rng.choice(hidden)
    return Known(frame.leave(joints), frame.leave(q), seen.boxes_xywh, is_visible)


def choose_strength(tier: Tier, seen: Known, seed: int) -> tuple[tuple[float, float, float, float], dict[str, float]]:
    """How many labelled drawings the prior counts for, by cross-validation over streams of restyled heads.

    Each stream is one artist: the first drawings are labelled, the last 300 judge. The loss is the mean distance (for
    places) or the mean squared error (for states) relative to the best candidate of that stream and length, averaged,
    so that no single artist decides.
    """
    rng = np.random.default_rng(seed)
    candidates = [(offset, slopes) for offset in OFFSETS for slopes in SLOPES]
    losses: list[np.ndarray] = []
    for stream in range(NUM_STREAMS):
        picked = rng.permutation(len(seen))[: max(STREAM_LENGTHS) + 300]
        heads = restyled(seen.rows(picked), seed + 1 + stream)
        learn, judge = labels_of(tier, heads), labels_of(tier, heads.rows(np.arange(max(STREAM_LENGTHS), len(picked))))
        for length in STREAM_LENGTHS:
            some = Labels(*(getattr(learn, f.name)[:length] for f in dataclasses.fields(Labels)))
            losses.append(np.array([_loss(refit(tier, some, (o, s, o, s)), judge) for o, s in candidates]))
    relative = np.array([loss / loss.min(axis=0) for loss in losses]).mean(axis=0)  # (candidates, 2)
    places, states = (candidates[int(index)] for index in relative.argmin(axis=0))
    report = {f"{o:g}, {s:g}": round(float(r), 4) for (o, s), r in zip(candidates, relative[:, 0], strict=True)}
    return (*places, *states), report


def _loss(tier: Tier, judge: Labels) -> tuple[float, float]:
    distance, brier = [], []
    for part in (0, 1):
        rows, targets, signs = _both_sides(tier, judge, part)
        distance.append(np.linalg.norm(targets - rows @ tier.place[part], axis=1))
        slope, offset = tier.logistic[part]
        chance = 1 / (1 + np.exp(-np.clip(slope * (rows @ tier.state[part]) + offset, -30, 30)))
        brier.append((chance - (signs > 0)) ** 2)
    return float(np.concatenate(distance).mean()), float(np.concatenate(brier).mean()) + 1e-3


def fit(seen: Known, seed: int = 1) -> tuple[GeometryModel, dict[str, Any]]:
    """Fit all tiers and the prior's strength. The document is what is shipped, the model is read back from it."""
    copies, upright = jittered(seen, seed), jittered(seen, seed, turned=False)
    tiers = {name: fit_tier(name, upright if name in ("nose", "shoulders") else copies) for name in TIERS}
    strength, report = choose_strength(tiers["add"], copies.rows(np.arange(len(seen))), seed)
    document: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "made_by": "python -m models.fit_geometry",
        "recipe": recipe(seen, seed),
        "strength": list(strength),
        "strength_losses": report,
        "tiers": {name: tier_to_json(tier) for name, tier in tiers.items()},
    }
    return model_from_json(document), document


def recipe(seen: Known, seed: int) -> dict[str, Any]:
    """What the coefficients were made from, with a digest of the joints: another generator, another digest."""
    places = np.round(np.concatenate([seen.joints, seen.faces], axis=1), 2)
    digest = hashlib.sha256(places.tobytes() + seen.is_visible.tobytes())
    facts = {"characters": len(seen), "seed": seed, "copies": COPIES, "jitter": JITTER, "jitter_inside": JITTER_INSIDE,
             "turned": TURNED, "ridge": RIDGE, "tolerance": TOLERANCE, "data_sha256": digest.hexdigest()}  # fmt: skip
    return {**facts, "digest": hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()}


def to_text(document: dict[str, Any]) -> str:
    """JSON with one line for each field of a tier."""
    head = json.dumps({key: value for key, value in document.items() if key != "tiers"}, indent=1)
    blocks = []
    for name, tier in document["tiers"].items():
        rows = (f'   "{key}": {json.dumps(value, separators=(",", ":"))}' for key, value in tier.items())
        blocks.append(f'  "{name}": {{\n' + ",\n".join(rows) + "\n  }")
    return head[:-2] + ',\n "tiers": {\n' + ",\n".join(blocks) + "\n }\n}\n"


def main(argv: list[str] | None = None) -> int:
    """Pose the characters, fit, write the file; progress goes to stderr."""
    parser = argparse.ArgumentParser(description="Fit the coefficients of the model `geometry`.")
    parser.add_argument("--characters", type=int, default=len(TRAIN_SEEDS), help="how many procedural characters")
    parser.add_argument("--out", type=Path, default=COEFFICIENTS_FILE)
    options = parser.parse_args(argv)
    begun = time.perf_counter()
    seen = characters(TRAIN_SEEDS[: options.characters], os.cpu_count() or 1)
    posed = time.perf_counter()
    print(f"{len(seen)} characters posed in {posed - begun:.1f} s", file=sys.stderr)
    _, document = fit(seen)
    options.out.write_text(to_text(document), encoding="utf-8")
    fitted = time.perf_counter() - posed
    print(f"{options.out}: strength {document['strength']}, fitted in {fitted:.1f} s", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
