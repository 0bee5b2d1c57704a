"""One tier's regression: from features to the places of eyes and ears, their states, and how far off they commonly are.

Linear in the features. A right eye is the left eye of the mirrored drawing, in fitting as in use. Face keypoints that
are labelled already move the others: residuals of one head go together, and are conditioned on. Where coefficients
come from is left to `shrinkage` and to `models.fit_geometry`.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from models.geometry.features import expand, numbers_of
from models.geometry.frames import Frame, frame_of, length_of
from models.geometry.joints import Known

TOLERANCE: Final = 0.15  # nose-to-neck lengths; a score is the chance of lying within it (6 px in ADD's median drawing)
_CLIP: Final = 3.0  # standard deviations; beyond it nothing was learned, so nothing is extrapolated
EULER: Final = 0.5772156649015329  # -E[log of an exponential variable]: from mean log square to mean square
SIDE_SIGN: Final = np.array([[1.0, 1.0], [-1.0, 1.0], [1.0, 1.0], [-1.0, 1.0]])  # the right side's x is mirrored


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

    def side(
        self, features: np.ndarray, beyond: np.ndarray, is_right: bool
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """One side's eye and ear, as a left side: places (N, 2, 2), variances (N, 2), state scores (N, 2)."""
        rows = features * self.parity if is_right else features
        place = np.stack([rows @ self.place[part] for part in (0, 1)], axis=1)
        far = length_of(place)
        place = place * np.minimum(1.0, self.reach / np.maximum(far, 1e-9))[..., None]
        variance = np.exp(np.clip(rows @ self.log_variance.T + EULER, -12.0, 3.0)) * self.spread
        return place, variance * (1.0 + beyond * beyond)[:, None], rows @ self.state.T


def apply(tier: Tier, seen: Known) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Drawings that all have the tier's frame: places (N, 4, 2) in pixels, chances of visible (N, 4), scores (N, 4)."""
    frame = frame_of(tier.name, seen)
    features, beyond = tier.features(seen, frame)
    # (N, 4, ...) in the skeleton's order: left eye, right eye, left ear, right ear.
    left, right = tier.side(features, beyond, False), tier.side(features, beyond, True)
    q, variance, state = (np.stack([a, b], axis=2).reshape(len(seen), 4, *a.shape[2:])
                          for a, b in zip(left, right, strict=True))  # fmt: skip
    q, variance = _conditioned(tier, q, variance, frame.enter(seen.faces) * SIDE_SIGN)
    places = frame.leave(q * SIDE_SIGN)
    slope, offset = np.repeat(tier.logistic, 2, axis=0).T
    chance = sigmoid(state * slope + offset)
    tolerance = TOLERANCE * tier.nose_to_neck
    return places, chance, -np.expm1(-tolerance * tolerance / (2.0 * np.maximum(variance, 1e-9)))


def _conditioned(
    tier: Tier, q: np.ndarray, variance: np.ndarray, labelled: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
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


def sigmoid(v: np.ndarray) -> np.ndarray:
    """The logistic function: a score to a chance, 0 to 1; safe for any finite score."""
    return 1.0 / (1.0 + np.exp(-np.clip(v, -30.0, 30.0)))
