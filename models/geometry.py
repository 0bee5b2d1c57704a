"""The model `geometry`: where eyes and ears are, said from the other joints alone, without pixels and without a network.

A drawing's known joints are read in a frame of its head (origin, up, unit of length), so that place, size and turn in
the picture do not matter. There a ridge regression on squares and products of a dozen numbers gives each face
keypoint's place, its state, and how far off it commonly is. Three choices carry it:

- Left and right share their coefficients: a right eye is the left eye of the mirrored drawing, in fitting as in use.
- Joints can be missing. `TIERS` names seven frames, from all of AnimeDrawingsDataset's joints down to a nose in a box;
  each has its own coefficients, and a drawing is read by the first it has the joints for. All but `shoulders` and
  `nose` turn with the character; those two must take the picture's up for the head's, and the box for its size.
- Shipped coefficients (`geometry_coefficients.json`, made by `python -m models.fit_geometry` from procedural
  characters) are the prior of a Bayesian ridge: they count as so many labelled drawings, so that a person's labels
  take over as they come (`GeometryFit`).

Face keypoints that are labelled already move the others: residuals of one head go together, and are conditioned on.

Dimension legend: N drawings, J = 8 joints read, Z numbers of a tier, F features made of them, 4 face keypoints in the
skeleton's order, 2 parts (eye, ear). Frame coordinates: x to the picture's right when the head is upright, y up the
head, in the tier's unit; image coordinates as everywhere: pixels, y down. numpy only.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from datasets.skeleton import FACE_KEYPOINTS, INDEX, NUM_KEYPOINTS

COEFFICIENTS_FILE: Final = Path(__file__).with_name("geometry_coefficients.json")
FORMAT: Final = 1

TOLERANCE: Final = 0.15  # nose-to-neck lengths; a score is the chance of lying within it (6 px in ADD's median drawing)
NOTHING_KNOWN: Final = "no nose with a neck, shoulders or a box, and no pair of shoulders: the face cannot be placed"

# The joints read, in this order; the last three exist as ADD's extra points only.
JOINTS: Final = (
    "nose", "left_shoulder", "right_shoulder", "left_hip", "right_hip", "nose_root", "neck", "head",
)  # fmt: skip
NOSE, L_SHOULDER, R_SHOULDER, L_HIP, R_HIP, ROOT, NECK, HEAD = range(len(JOINTS))
_COCO_JOINTS: Final = tuple(INDEX[name] for name in JOINTS[:5])
_EXTRA_JOINTS: Final = JOINTS[5:]
_FACE: Final = tuple(INDEX[name] for name in FACE_KEYPOINTS)
_MIRRORED_JOINTS: Final = [NOSE, R_SHOULDER, L_SHOULDER, R_HIP, L_HIP, ROOT, NECK, HEAD]

# Tier -> the joints it needs, the richest first. Hips are welcome in all: they tell front from back.
TIERS: Final[dict[str, tuple[int, ...]]] = {
    "add": (NOSE, ROOT, NECK, HEAD, L_SHOULDER, R_SHOULDER),
    "neck": (NOSE, NECK, L_SHOULDER, R_SHOULDER),
    "coco": (NOSE, L_SHOULDER, R_SHOULDER),
    "axis": (NOSE, NECK),
    "torso": (L_SHOULDER, R_SHOULDER, L_HIP, R_HIP),
    "shoulders": (L_SHOULDER, R_SHOULDER),
    "nose": (NOSE,),
}

_FAR: Final = 1e6  # pixels; a coordinate beyond it is a mistake, and counts as unknown
_CLIP: Final = 3.0  # standard deviations; beyond it nothing was learned, so nothing is extrapolated
_EULER: Final = 0.5772156649015329  # -E[log of an exponential variable]: from mean log square to mean square
_CALIBRATION_ROWS: Final = 500
_SPREAD_PRIOR: Final = 30.0  # labelled keypoints that the shipped spread counts for


@dataclass(frozen=True, slots=True)
class FaceKeypoint:
    """One predicted face keypoint.

    x, y: image pixels, may lie outside of the image. state: "visible" or "hidden" ("absent" is a person's to say).
    score: the chance, 0 to 1, that the place is within `TOLERANCE` nose-to-neck lengths; it does not judge the state.
    """

    x: float
    y: float
    state: str
    score: float


@dataclass(frozen=True)
class Known:
    """What is known of N drawings, unknown as NaN.

    joints: (N, 8, 2) image pixels, in the order of `JOINTS`. faces: (N, 4, 2). boxes_xywh: (N, 4).
    is_visible: (N, 4), true where the state of a face keypoint is visible; means nothing where `faces` is NaN.
    """

    joints: np.ndarray
    faces: np.ndarray
    boxes_xywh: np.ndarray
    is_visible: np.ndarray

    def __len__(self) -> int:
        return len(self.joints)

    def rows(self, index: np.ndarray) -> "Known":
        return Known(self.joints[index], self.faces[index], self.boxes_xywh[index], self.is_visible[index])


Points = Sequence[Sequence[float] | None]
Drawing = tuple[Points, Mapping[str, Sequence[float]], Sequence[float] | None, str | None]


def known(drawings: Sequence[Drawing]) -> Known:
    """Read drawings (points, extras, bbox_xywh, states) into arrays.

    A coordinate that is not finite or beyond a million pixels counts as unknown, so does a point marked absent. Of the
    face keypoints only those marked visible or hidden are taken; where `states` is None, every one that has a place.
    Where there is no box, the spread of the known joints stands in.

    Raises:
        ValueError: not 17 points, or not 17 letters of states.
    """
    count = len(drawings)
    values = np.full((count, len(JOINTS) + 4, 2), np.nan)
    boxes_xywh = np.full((count, 4), np.nan)
    is_visible = np.ones((count, 4), dtype=bool)
    for row, (points, extras, box, states) in enumerate(drawings):
        if len(points) != NUM_KEYPOINTS:
            raise ValueError(f"got {len(points)} points, expected {NUM_KEYPOINTS}")
        if states is not None and len(states) != NUM_KEYPOINTS:
            raise ValueError(f"got {len(states)} states, expected {NUM_KEYPOINTS}")
        found: list[Sequence[float] | None] = [None] * (len(JOINTS) + 4)
        for place, index in enumerate(_COCO_JOINTS):
            if states is None or states[index] != "a":
                found[place] = points[index]
        for place, name in enumerate(_EXTRA_JOINTS, 5):
            found[place] = extras.get(name)
        for place, index in enumerate(_FACE):
            if states is None or states[index] in "vh":
                found[len(JOINTS) + place] = points[index]
                is_visible[row, place] = states is None or states[index] == "v"
        for place, point in enumerate(found):
            if point is not None:
                values[row, place] = point[0], point[1]
        if box is not None:
            boxes_xywh[row] = box[0], box[1], box[2], box[3]
        else:
            boxes_xywh[row] = _spread_xywh(points)
    values[~(np.abs(values) < _FAR).all(-1)] = np.nan
    boxes_xywh[~(np.abs(boxes_xywh) < _FAR).all(-1)] = np.nan
    return Known(values[:, : len(JOINTS)], values[:, len(JOINTS) :], boxes_xywh, is_visible)


def _spread_xywh(points: Points) -> tuple[float, float, float, float]:
    places = [p for p in points if p is not None and abs(p[0]) < _FAR and abs(p[1]) < _FAR]
    if len(places) < 2:
        return (math.nan,) * 4
    xs, ys = [p[0] for p in places], [p[1] for p in places]
    return min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)


@dataclass(frozen=True)
class Frame:
    """The frame of each of N heads. origin: (N, 2) pixels; up: (N, 2) of length 1; unit: (N,) pixels; ok: (N,)."""

    origin: np.ndarray
    up: np.ndarray
    unit: np.ndarray
    ok: np.ndarray

    def enter(self, places: np.ndarray) -> np.ndarray:
        """(N, M, 2) image pixels to frame coordinates."""
        v = (places - self.origin[:, None]) / self.unit[:, None, None]
        ux, uy = self.up[:, None, 0], self.up[:, None, 1]
        return np.stack([v[..., 1] * ux - v[..., 0] * uy, v[..., 0] * ux + v[..., 1] * uy], axis=-1)

    def leave(self, q: np.ndarray) -> np.ndarray:
        """(N, M, 2) frame coordinates to image pixels."""
        ux, uy = self.up[:, None, 0], self.up[:, None, 1]
        v = np.stack([q[..., 1] * ux - q[..., 0] * uy, q[..., 0] * ux + q[..., 1] * uy], axis=-1)
        return v * self.unit[:, None, None] + self.origin[:, None]


def frame_of(tier: str, seen: Known) -> Frame:
    """The frame that a tier gives each drawing; `ok` is false where joints are missing or fall together."""
    j = seen.joints
    nose, neck, root = j[:, NOSE], j[:, NECK], j[:, ROOT]
    shoulders, hips = (j[:, L_SHOULDER] + j[:, R_SHOULDER]) / 2, (j[:, L_HIP] + j[:, R_HIP]) / 2
    width = _length(j[:, L_SHOULDER] - j[:, R_SHOULDER])
    box = 0.1 * np.sqrt(np.abs(seen.boxes_xywh[:, 2] * seen.boxes_xywh[:, 3]))
    image_up = np.broadcast_to(np.array([0.0, -1.0]), nose.shape)
    # A length that foreshortening can shrink to nothing is held up by one across it.
    if tier == "add":
        origin, axis, unit = root, root - neck, np.maximum(_length(nose - neck), 0.3 * width)
    elif tier == "neck":
        origin, axis, unit = nose, nose - neck, np.maximum(_length(nose - neck), 0.3 * width)
    elif tier == "coco":
        origin, axis, unit = nose, nose - shoulders, np.maximum(_length(nose - shoulders), 0.3 * width)
    elif tier == "axis":
        origin, axis, unit = nose, nose - neck, _length(nose - neck)
    elif tier == "torso":
        origin, axis, unit = shoulders, shoulders - hips, np.maximum(_length(shoulders - hips), width)
    elif tier == "shoulders":
        origin, axis, unit = shoulders, image_up, np.maximum(width, box)
    else:
        origin, axis, unit = nose, image_up, box
    length = _length(axis)
    with np.errstate(invalid="ignore"):
        extent = np.nan_to_num(np.nanmax(j, axis=1, initial=-np.inf) - np.nanmin(j, axis=1, initial=np.inf), neginf=0.0)
        smallest = np.maximum(1e-3 * extent.max(axis=1, initial=0.0), 1e-6)
        ok = np.isfinite(j[:, TIERS[tier]]).all((1, 2)) & (unit > smallest) & (length > np.minimum(smallest, 0.5))
    safe = ok[:, None]
    return Frame(
        np.where(safe, origin, 0.0),
        np.where(safe, axis / np.where(safe, length[:, None], 1.0), image_up),
        np.where(ok, unit, 1.0),
        ok,
    )


def _length(v: np.ndarray) -> np.ndarray:
    return np.sqrt(v[..., 0] * v[..., 0] + v[..., 1] * v[..., 1])


def _soft(v: np.ndarray) -> np.ndarray:
    """Squash to (-1, 1), so that a far joint is only 'far'."""
    return v / np.sqrt(1.0 + v * v)


def _log(v: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(v, 0.02))


ODD, EVEN = -1.0, 1.0


def numbers_of(tier: str, seen: Known, frame: Frame) -> tuple[np.ndarray, np.ndarray]:
    """The numbers a tier reads off each drawing, and how each changes in a mirror.

    Returns:
        (N, Z), NaN where a joint that is welcome but not needed is missing, and (Z,) of -1 (odd: changes its sign in
        the mirrored drawing) or 1 (even: stays).
    """
    q = frame.enter(seen.joints)
    # With the own left on the picture's right we look at the front: even, because sides are swapped in a mirror too.
    across = q[:, L_SHOULDER] - q[:, R_SHOULDER]
    across_hips = q[:, L_HIP] - q[:, R_HIP]
    shoulders, hips = (q[:, L_SHOULDER] + q[:, R_SHOULDER]) / 2, (q[:, L_HIP] + q[:, R_HIP]) / 2
    columns: list[tuple[float, np.ndarray]] = [(EVEN, _soft(across_hips[:, 0] / 1.5))]
    if tier in ("add", "neck", "coco", "torso", "shoulders"):
        columns += [(EVEN, _soft(across[:, 0] / 1.5)), (ODD, _soft(across[:, 1] / 1.5)), (EVEN, _log(_length(across)))]
    if tier in ("add", "neck", "coco"):
        columns += [(EVEN, _log(_length(shoulders - hips)))]
    if tier == "add":
        for v in (q[:, NOSE], q[:, HEAD] - q[:, NECK], shoulders - q[:, NECK]):
            columns += [(ODD, _soft(v[:, 0])), (EVEN, _soft(v[:, 1]))]
        columns += [(EVEN, _soft(q[:, NECK, 1]))]
    if tier == "neck":
        v = shoulders - q[:, NECK]
        columns += [(ODD, _soft(v[:, 0])), (EVEN, _soft(v[:, 1]))]
    if tier == "coco":
        columns += [(ODD, _soft((hips - shoulders)[:, 0]))]
    if tier == "axis":
        columns += [(ODD, _soft((hips - q[:, NECK])[:, 0])), (EVEN, _log(_length(hips - q[:, NECK])))]
    if tier == "nose":
        x, y, w, h = seen.boxes_xywh.T
        w, h = np.maximum(w, 1e-6), np.maximum(h, 1e-6)
        nose = seen.joints[:, NOSE]
        columns += [
            (ODD, _soft((nose[:, 0] - (x + w / 2)) / w)),
            (EVEN, _soft((nose[:, 1] - y) / h)),
            (EVEN, np.clip(np.log(w / h), -3, 3)),
        ]
    return np.stack([column for _, column in columns], axis=1), np.array([parity for parity, _ in columns])


def expand(z: np.ndarray) -> np.ndarray:
    """(N, Z) to (N, F): one, the numbers, their squares and products."""
    first, second = np.triu_indices(z.shape[1])
    return np.concatenate([np.ones((len(z), 1)), z, z[:, first] * z[:, second]], axis=1)


@dataclass(frozen=True)
class Tier:
    """What is learned of one frame. Coefficients are of the left side; the right side reads a mirrored drawing.

    z_mean, z_scale: (Z,) to standardise the numbers. parity: (F,) of each feature. feature_mean: (F,).
    place: (2, F, 2) coefficients of x, y of eye and ear. state: (2, F) of +1 visible, -1 hidden.
    log_variance: (2, F) of the log of the mean squared distance, per coordinate.
    gram: (F, F) mean product of centred features over the characters that made the prior.
    spread: (2,) factor on the variance. spread_mean: (2,) what the standardised squares were on the prior's characters.
    logistic: (2, 2) slope and offset from the state's regression to the chance of visible.
    correlation: (8, 8) of standardised residuals, left eye x, y, right eye x, y, left ear ..., right x mirrored.
    reach: (2,) no keypoint is further from the origin than this. nose_to_neck: length of one in this tier's unit.
    """

    name: str
    z_mean: np.ndarray
    z_scale: np.ndarray
    parity: np.ndarray
    feature_mean: np.ndarray
    place: np.ndarray
    state: np.ndarray
    log_variance: np.ndarray
    gram: np.ndarray
    spread: np.ndarray
    spread_mean: np.ndarray
    logistic: np.ndarray
    correlation: np.ndarray
    reach: np.ndarray
    nose_to_neck: float

    def features(self, seen: Known, frame: Frame) -> tuple[np.ndarray, np.ndarray]:
        """(N, F) features, zero where the frame is not ok, and (N,) how far outside of the learned range."""
        z = (numbers_of(self.name, seen, frame)[0] - self.z_mean) / self.z_scale
        z = np.where(np.isfinite(z) & frame.ok[:, None], z, 0.0)
        beyond = np.clip(np.abs(z) - _CLIP, 0.0, _CLIP).max(axis=1)
        features = expand(np.clip(z, -_CLIP, _CLIP)) - self.feature_mean
        return features * frame.ok[:, None], beyond

    def side(self, features: np.ndarray, beyond: np.ndarray, is_right: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Places (N, 2, 2) in the left side's frame, variances (N, 2), state scores (N, 2) of one side's eye and ear."""
        rows = features * self.parity if is_right else features
        place = np.stack([rows @ self.place[part] for part in (0, 1)], axis=1)
        far = _length(place)
        place = place * np.minimum(1.0, self.reach / np.maximum(far, 1e-9))[..., None]
        variance = np.exp(np.clip(rows @ self.log_variance.T + _EULER, -12.0, 3.0)) * self.spread
        return place, variance * (1.0 + beyond * beyond)[:, None], rows @ self.state.T


@dataclass(frozen=True)
class GeometryModel:
    """The fitted model; immutable, so that it can be shared between threads.

    version: which coefficients, and how many labelled drawings are in them, e.g. "geometry-1+12".
    strength: how many labelled drawings the prior counts for: (place offset, place slopes, state offset, state slopes).
    """

    version: str
    tiers: tuple[Tier, ...]
    strength: tuple[float, float, float, float]

    @classmethod
    def shipped(cls) -> "GeometryModel":
        """The coefficients that come with the package; read once.

        Raises:
            ValueError: the file is of another format.
        """
        return _shipped()

    def predict(
        self,
        points: Points,
        extras: Mapping[str, Sequence[float]],
        bbox_xywh: Sequence[float] | None = None,
        states: str | None = None,
    ) -> dict[str, FaceKeypoint] | None:
        """Predict the four face keypoints of one character from what is known of it.

        Args:
            points: 17 of (x, y) in image pixels in COCO's order, or None. Known eyes and ears move the others.
            extras: ADD's extra points by name; `nose_root`, `neck` and `head` are read.
            bbox_xywh: the character's box; needed only where nothing but a nose is known.
            states: 17 letters; points marked absent, and face keypoints not marked visible or hidden, are not read.
        Returns:
            All four by name; None where the face cannot be placed (`NOTHING_KNOWN`).
        Raises:
            ValueError: not 17 points, or not 17 states.
        """
        return self.predict_many([(points, extras, bbox_xywh, states)])[0]

    def predict_many(self, drawings: Sequence[Drawing]) -> list[dict[str, FaceKeypoint] | None]:
        """`predict` for many (points, extras, bbox_xywh, states) at once; 2,000 take about a tenth of a second."""
        answers: list[dict[str, FaceKeypoint] | None] = [None] * len(drawings)
        places, visible, scores, tier_index = self.predict_arrays(known(drawings))
        numbers = np.concatenate([places, scores[..., None]], axis=-1).tolist()
        seen = (visible > 0.5).tolist()
        for row in np.flatnonzero(tier_index >= 0).tolist():
            answers[row] = {
                name: FaceKeypoint(x, y, "visible" if is_visible else "hidden", score)
                for name, (x, y, score), is_visible in zip(FACE_KEYPOINTS, numbers[row], seen[row], strict=True)
            }
        return answers

    def predict_arrays(self, seen: Known, tier: str | None = None) -> tuple[np.ndarray, ...]:
        """`predict` on arrays, for benchmarks and fitting.

        Args:
            tier: read every drawing by this tier, instead of by the first that it has the joints for.
        Returns:
            places (N, 4, 2) image pixels, chance of visible (N, 4), scores (N, 4), index of the tier (N,) or -1; NaN
            where the tier is -1.
        """
        places, visible, scores = (np.full((len(seen), 4, *more), np.nan) for more in ((2,), (), ()))
        tier_index = np.full(len(seen), -1)
        for index, fitted in enumerate(self.tiers):
            if tier not in (None, fitted.name):
                continue
            waiting = np.flatnonzero(tier_index < 0)
            rows = waiting[frame_of(fitted.name, seen.rows(waiting)).ok]
            if len(rows):
                tier_index[rows] = index
                places[rows], visible[rows], scores[rows] = _apply(fitted, seen.rows(rows))
        return places, visible, scores, tier_index


def _apply(tier: Tier, seen: Known) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Places (N, 4, 2) in pixels, chances of visible (N, 4), scores (N, 4) of drawings that all have the tier's frame."""
    frame = frame_of(tier.name, seen)
    features, beyond = tier.features(seen, frame)
    # (N, 4, ...) in the skeleton's order: left eye, right eye, left ear, right ear.
    left, right = tier.side(features, beyond, False), tier.side(features, beyond, True)
    q, variance, state = (np.stack([a, b], axis=2).reshape(len(seen), 4, *a.shape[2:])
                          for a, b in zip(left, right, strict=True))  # fmt: skip
    q, variance = _conditioned(tier, q, variance, frame.enter(seen.faces) * _SIDE_SIGN)
    places = frame.leave(q * _SIDE_SIGN)
    slope, offset = np.repeat(tier.logistic, 2, axis=0).T
    chance = _sigmoid(state * slope + offset)
    tolerance = TOLERANCE * tier.nose_to_neck
    return places, chance, -np.expm1(-tolerance * tolerance / (2.0 * np.maximum(variance, 1e-9)))


_SIDE_SIGN: Final = np.array([[1.0, 1.0], [-1.0, 1.0], [1.0, 1.0], [-1.0, 1.0]])  # the right side's x is mirrored


def _sigmoid(v: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-np.clip(v, -30.0, 30.0)))


def _conditioned(tier: Tier, q: np.ndarray, variance: np.ndarray, labelled: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Move each face keypoint by what the labelled others say about this head. Its own label is not read.

    q, labelled: (N, 4, 2) in the frame, right sides mirrored, NaN where not labelled. variance: (N, 4).
    """
    has = np.isfinite(labelled).all(-1)
    if not has.any():
        return q, variance
    deviation = np.sqrt(variance)
    # A label three deviations off is as odd as one ten off: a misplaced one must not throw the others away.
    residual = np.clip((labelled - q) / deviation[..., None], -3.0, 3.0)
    q, variance = q.copy(), variance.copy()
    patterns = has @ np.array([1, 2, 4, 8])
    for pattern in np.unique(patterns[patterns > 0]):
        rows = np.flatnonzero(patterns == pattern)
        for target in range(4):
            givers = [g for g in range(4) if pattern >> g & 1 and g != target]
            if not givers:
                continue
            given = np.array([2 * g + axis for g in givers for axis in (0, 1)])
            own = np.array([2 * target, 2 * target + 1])
            among = tier.correlation[np.ix_(given, given)] + 0.05 * np.eye(len(given))
            weights = np.linalg.solve(among, tier.correlation[np.ix_(given, own)])  # (givers, 2)
            told = residual[rows][:, givers].reshape(len(rows), -1) @ weights
            q[rows, target] += told * deviation[rows, target, None]
            explained = np.einsum("ga,ga->a", weights, tier.correlation[np.ix_(given, own)]).mean()
            variance[rows, target] *= max(0.05, 1.0 - explained)
    return q, variance


# ---------------------------------------------------------------------------------------------- the labels of a person


@dataclass(frozen=True)
class Labels:
    """Labelled drawings as one tier sees them.

    features: (N, F). targets: (N, 4, 2) in the frame, right sides mirrored. signs: (N, 4), 1 visible, -1 hidden.
    counts: (N, 4), which of them are learned from.
    """

    features: np.ndarray
    targets: np.ndarray
    signs: np.ndarray
    counts: np.ndarray


def labels_of(tier: Tier, seen: Known) -> Labels:
    """What a tier learns from labelled drawings: none counts where the frame or the keypoint is missing."""
    frame = frame_of(tier.name, seen)
    features, beyond = tier.features(seen, frame)
    targets = frame.enter(seen.faces) * _SIDE_SIGN
    counts = np.isfinite(targets).all(-1) & frame.ok[:, None]
    guess = np.stack([tier.side(features, beyond, is_right)[0] for is_right in (False, True)], axis=2)
    guess = guess.reshape(len(seen), 4, 2)
    # A slip of the mouse across the picture must not turn the fit.
    limit = np.repeat(tier.reach, 2)[None, :, None]
    targets = np.where(counts[..., None], guess + np.clip(targets - guess, -limit, limit), 0.0)
    return Labels(features, targets, np.where(seen.is_visible, 1.0, -1.0), counts)


def refit(tier: Tier, labels: Labels, strength: tuple[float, float, float, float]) -> Tier:
    """Bayesian ridge: the tier's coefficients as the prior mean, its own Gram matrix as the prior precision.

    The prior counts for `strength` labelled drawings, each of two rows (left, and mirrored right); offsets and slopes
    have their own, for a person's style is mostly an offset. Exact: the result is the minimum of
    |X W - Y|^2 + (W - W0)' P (W - W0).
    """
    if not labels.counts.any():
        return tier
    place, state = tier.place.copy(), tier.state.copy()
    spread, logistic = tier.spread.copy(), tier.logistic.copy()
    precisions = [prior_precision(tier, *strength[:2]), prior_precision(tier, *strength[2:])]
    full = labels.counts.all(axis=1)
    shared = labels.features[full].T @ labels.features[full]
    for part in (0, 1):
        gram, moment_place, moment_state = np.zeros_like(shared), 0.0, 0.0
        for side in (0, 1):
            column = 2 * part + side
            sign = tier.parity if side else np.ones_like(tier.parity)
            counts = labels.counts[:, column]
            rest = labels.features[counts & ~full]
            gram += (shared + rest.T @ rest) * (sign[:, None] * sign)
            off = labels.targets[:, column] - labels.features @ (sign[:, None] * tier.place[part])
            moment_place = moment_place + sign[:, None] * (labels.features.T @ (off * counts[:, None]))
            off = labels.signs[:, column] - labels.features @ (sign * tier.state[part])
            moment_state = moment_state + sign * (labels.features.T @ (off * counts))
        inverse = np.linalg.inv(gram + precisions[0])
        place[part] += inverse @ moment_place
        inverse_state = np.linalg.inv(gram + precisions[1])
        state[part] += inverse_state @ moment_state
        spread[part], logistic[part] = _calibrated(tier, labels, part, place[part], state[part], inverse, inverse_state)
    return _with(tier, place=place, state=state, spread=spread, logistic=logistic)


def prior_precision(tier: Tier, offset: float, slopes: float) -> np.ndarray:
    """(F, F): the prior as `offset` drawings for the constant and `slopes` drawings for everything else."""
    precision = 2.0 * slopes * (tier.gram + 1e-3 * np.eye(len(tier.gram)))
    precision[0, :] = precision[:, 0] = 0.0
    precision[0, 0] = 2.0 * offset
    return precision


def _with(tier: Tier, **changed: Any) -> Tier:
    return Tier(**{**{name: getattr(tier, name) for name in Tier.__dataclass_fields__}, **changed})


def _calibrated(tier: Tier, labels: Labels, part: int, place: np.ndarray, state: np.ndarray, inverse: np.ndarray,
                inverse_state: np.ndarray) -> tuple[float, np.ndarray]:  # fmt: skip
    """Spread and logistic from what the refitted model would have said of each label without that label.

    Leave-one-out residuals are exact for ridge: r / (1 - h). Of many labels five hundred, evenly taken, are enough.
    """
    step = -(-len(labels.features) // _CALIBRATION_ROWS)
    features, counts = labels.features[::step], labels.counts[::step]
    squares, scores, signs = [], [], []
    for side in (0, 1):
        column = 2 * part + side
        picked = counts[:, column]
        rows = features[picked] * (tier.parity if side else 1.0)
        if not len(rows):
            continue
        residual = labels.targets[::step][picked, column] - rows @ place
        residual /= np.maximum(1.0 - ((rows @ inverse) * rows).sum(1), 0.1)[:, None]
        variance = np.exp(np.clip(rows @ tier.log_variance[part] + _EULER, -12.0, 3.0)) * tier.spread[part]
        squares.append(np.minimum((residual * residual).sum(1) / (2.0 * variance), 20.0))
        sign = labels.signs[::step][picked, column]
        leverage = np.minimum(((rows @ inverse_state) * rows).sum(1), 0.9)
        scores.append(sign - (sign - rows @ state) / (1.0 - leverage))
        signs.append(sign)
    if not squares:
        return float(tier.spread[part]), tier.logistic[part]
    square = np.concatenate(squares)
    typical = tier.spread_mean[part]
    factor = (_SPREAD_PRIOR * typical + square.sum()) / ((_SPREAD_PRIOR + len(square)) * typical)
    logistic = fit_logistic(np.concatenate(scores), np.concatenate(signs), tier.logistic[part], 4.0)
    return float(tier.spread[part] * factor), logistic


def fit_logistic(scores: np.ndarray, signs: np.ndarray, start: np.ndarray, precision: float) -> np.ndarray:
    """Slope and offset that turn a score into the chance of visible, held to `start` by a Gaussian prior (Platt)."""
    x = np.stack([scores, np.ones_like(scores)], axis=1)
    beta = np.array(start, dtype=float)
    for _ in range(6):
        chance = _sigmoid(x @ beta)
        gradient = x.T @ (chance - (signs > 0)) + precision * (beta - start)
        curvature = (x * (chance * (1.0 - chance))[:, None]).T @ x + precision * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        beta = beta - np.clip(step, -1.0, 1.0)
    return beta


@dataclass
class GeometryFit:
    """A person's labelled drawings, and the model refitted with them. Not for several threads at once.

    `put` and `drop` take microseconds; `model` does the work for what changed, within 50 ms for 5,000 drawings.
    """

    prior: GeometryModel
    _waiting: dict[int, Drawing] = field(default_factory=dict, repr=False)
    _slots: dict[int, int] = field(default_factory=dict, repr=False)
    _free: list[int] = field(default_factory=list, repr=False)
    _rows: list[Labels] = field(default_factory=list, repr=False)
    _model: GeometryModel | None = field(default=None, repr=False)

    def put(
        self,
        key: int,
        points: Points,
        extras: Mapping[str, Sequence[float]],
        states: str,
        bbox_xywh: Sequence[float] | None = None,
    ) -> None:
        """Learn from one labelled drawing; the same key again replaces it.

        Args:
            key: the caller's name for the drawing.
            points, extras, bbox_xywh: as in `GeometryModel.predict`.
            states: 17 letters; face keypoints marked "v" or "h" that have a place are learned from.
        Raises:
            ValueError: not 17 points, or not 17 states.
        """
        if len(points) != NUM_KEYPOINTS or len(states) != NUM_KEYPOINTS:
            raise ValueError(f"got {len(points)} points and {len(states)} states, expected {NUM_KEYPOINTS} of each")
        self._waiting[key] = (list(points), dict(extras), bbox_xywh, states)
        self._model = None

    def drop(self, key: int) -> None:
        """Forget a drawing; the model is what it was before it came. An unknown key is no error."""
        self._waiting.pop(key, None)
        slot = self._slots.pop(key, None)
        if slot is not None:
            self._free.append(slot)
        self._model = None

    def model(self) -> GeometryModel:
        """The prior with all labels in it; the same object until something changes."""
        if self._model is None:
            self._take_in()
            self._model = self._fitted()
        return self._model

    def _take_in(self) -> None:
        """Turn what waits into rows, all at once."""
        if not self._waiting:
            return
        keys = list(self._waiting)
        seen = known([self._waiting[key] for key in keys])
        self._waiting.clear()
        slots = []
        for key in keys:
            if key not in self._slots:
                self._slots[key] = self._free.pop() if self._free else len(self._slots)
            slots.append(self._slots[key])
        fresh = [labels_of(tier, seen) for tier in self.prior.tiers]
        size = max(slots) + 1
        if not self._rows:
            self._rows = [_empty_like(labels, size) for labels in fresh]
        elif size > len(self._rows[0].features):
            self._rows = [_grown(rows, 2 * size) for rows in self._rows]
        for rows, labels in zip(self._rows, fresh, strict=True):
            for name in _LABEL_FIELDS:
                getattr(rows, name)[slots] = getattr(labels, name)

    def _fitted(self) -> GeometryModel:
        if not self._slots:
            return self.prior
        # In the order of the keys, so that the way they came makes no difference, not even in the last digit.
        order = np.array([self._slots[key] for key in sorted(self._slots)])
        tiers, useful = [], np.zeros(len(order), dtype=bool)
        for tier, rows in zip(self.prior.tiers, self._rows, strict=True):
            counted = rows.counts[order].any(axis=1)
            useful |= counted
            some = order[counted]
            # Often all of them, in their order: then no copy is made.
            whole = len(some) > 0 and bool((np.diff(some) == 1).all())
            picked = slice(some[0], some[-1] + 1) if whole else some
            labels = Labels(*(getattr(rows, name)[picked] for name in _LABEL_FIELDS))
            tiers.append(refit(tier, labels, self.prior.strength))
        if not useful.any():
            return self.prior
        base, _, before = self.prior.version.partition("+")
        return GeometryModel(f"{base}+{int(before or 0) + int(useful.sum())}", tuple(tiers), self.prior.strength)


_LABEL_FIELDS: Final = ("features", "targets", "signs", "counts")


def _empty_like(labels: Labels, size: int) -> Labels:
    return Labels(*(np.zeros((size, *getattr(labels, name).shape[1:]), getattr(labels, name).dtype) for name in _LABEL_FIELDS))


def _grown(rows: Labels, size: int) -> Labels:
    larger = _empty_like(rows, size)
    for name in _LABEL_FIELDS:
        getattr(larger, name)[: len(rows.features)] = getattr(rows, name)
    return larger


# ------------------------------------------------------------------------------------------------- where an editor looks


def head_view(
    points: Points,
    extras: Mapping[str, Sequence[float]],
    bbox_xywh: Sequence[float] | None,
    width: float,
    height: float,
) -> tuple[float, float, float, float]:
    """The square of the picture around the head: (x, y, w, h) in image pixels, to which an editor zooms.

    2.2 nose-to-neck lengths to each side of the head's middle, more where a face keypoint, known or predicted, would be
    near the edge. May extend beyond the image; never empty. Where nothing of a head is known: the upper part of the
    box, else of the picture.

    Args:
        width, height: of the image in pixels; 0 where unknown.
    Raises:
        ValueError: not 17 points.
    """
    seen = known([(points, extras, bbox_xywh, None)])
    places, _, _, tier_index = GeometryModel.shipped().predict_arrays(seen)
    if tier_index[0] < 0:
        return _upper_part(seen.boxes_xywh[0], width, height)
    tier = GeometryModel.shipped().tiers[tier_index[0]]
    unit = float(frame_of(tier.name, seen).unit[0]) * tier.nose_to_neck
    # Seen from above or below, nose and neck nearly meet; shoulders are about two such lengths apart, and tell better.
    shoulders = float(_length(seen.joints[0, L_SHOULDER] - seen.joints[0, R_SHOULDER]))
    unit = max(unit, 0.3 * shoulders if math.isfinite(shoulders) else 0.0, 3.0)
    face = np.concatenate([places[0], seen.faces[0], seen.joints[0, [NOSE, ROOT]]])
    face = face[np.isfinite(face).all(-1)]
    low, high = face.min(0), face.max(0)
    middle = (low + high) / 2
    half = max(2.2 * unit, float((high - low).max()) / 2 + 1.2 * unit)
    return float(middle[0] - half), float(middle[1] - half), 2 * half, 2 * half


def _upper_part(box_xywh: np.ndarray, width: float, height: float) -> tuple[float, float, float, float]:
    if np.isfinite(box_xywh).all():
        x, y, w, h = box_xywh.tolist()
    else:
        x, y, w, h = 0.0, 0.0, width, height
    w, h = (size if 0 < size < _FAR else 1.0 for size in (w, h))
    return x, y, w, min(h, max(w, h / 3))


# --------------------------------------------------------------------------------------------------------- the JSON file


@cache
def _shipped() -> GeometryModel:
    return model_from_json(json.loads(COEFFICIENTS_FILE.read_text(encoding="utf-8")))


def model_from_json(document: Mapping[str, Any]) -> GeometryModel:
    """The model that `model_to_json` wrote.

    Raises:
        ValueError: another format.
    """
    if document.get("format") != FORMAT:
        raise ValueError(f"{COEFFICIENTS_FILE.name}: format is {document.get('format')!r}, expected {FORMAT}")
    tiers = tuple(_tier_from_json(name, document["tiers"][name]) for name in TIERS)
    offset, slopes, state_offset, state_slopes = document["strength"]
    return GeometryModel(f"geometry-{document['version']}", tiers, (offset, slopes, state_offset, state_slopes))


def _tier_from_json(name: str, fields: Mapping[str, Any]) -> Tier:
    arrays = {key: np.array(value, dtype=float) for key, value in fields.items() if isinstance(value, list)}
    size = len(arrays["feature_mean"])
    gram = np.zeros((size, size))
    gram[np.triu_indices(size)] = arrays.pop("gram")
    gram = gram + np.triu(gram, 1).T
    return Tier(name=name, gram=gram, nose_to_neck=float(fields["nose_to_neck"]), **arrays)


def tier_to_json(tier: Tier) -> dict[str, Any]:
    """A tier as JSON, to six digits; of the symmetric Gram matrix the upper half."""
    fields: dict[str, Any] = {}
    for name in Tier.__dataclass_fields__:
        value = getattr(tier, name)
        if name == "gram":
            value = value[np.triu_indices(len(value))]
        if isinstance(value, np.ndarray):
            fields[name] = _rounded(value.tolist())
        elif name != "name":
            fields[name] = _rounded(value)
    return fields


def _rounded(value: Any) -> Any:
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    short = float(f"{value:.6g}")
    return int(short) if short == int(short) and abs(short) < 1e6 else short
