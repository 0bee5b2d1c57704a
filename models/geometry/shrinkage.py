"""How labels move a tier's coefficients: a Bayesian ridge, shrunk towards the coefficients that it starts from.

Those count as so many labelled drawings; each label takes a little of their weight. The same pass recalibrates the
score and the chance of visible, from what would have been said of each label without that label.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from models.geometry.frames import frame_of
from models.geometry.joints import Known
from models.geometry.regression import EULER, SIDE_SIGN, Tier, sigmoid

_CALIBRATION_ROWS: Final = 500
_SPREAD_PRIOR: Final = 30.0  # labelled keypoints that the shipped spread counts for


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
    targets = frame.enter(seen.faces) * SIDE_SIGN
    counts = np.isfinite(targets).all(-1) & frame.ok[:, None]
    guess = np.stack([tier.side(features, beyond, is_right)[0] for is_right in (False, True)], axis=2)
    guess = guess.reshape(len(seen), 4, 2)
    # A slip of the mouse across the picture must not turn the fit.
    limit = np.repeat(tier.reach, 2)[None, :, None]
    off = targets - guess
    # Where nothing is cut the target stays to the last digit, whatever else was read in the same go.
    targets = np.where(np.abs(off) <= limit, targets, guess + np.clip(off, -limit, limit))
    targets = np.where(counts[..., None], targets, 0.0)
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
    complete = labels.features if full.all() else labels.features[full]
    shared = complete.T @ complete
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
    return replace(tier, place=place, state=state, spread=spread, logistic=logistic)


def prior_precision(tier: Tier, offset: float, slopes: float) -> np.ndarray:
    """(F, F): the prior as `offset` drawings for the constant and `slopes` drawings for everything else."""
    precision = 2.0 * slopes * (tier.gram + 1e-3 * np.eye(len(tier.gram)))
    precision[0, :] = precision[:, 0] = 0.0
    precision[0, 0] = 2.0 * offset
    return precision


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
        variance = np.exp(np.clip(rows @ tier.log_variance[part] + EULER, -12.0, 3.0)) * tier.spread[part]
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
    for _ in range(10):
        chance = sigmoid(x @ beta)
        gradient = x.T @ (chance - (signs > 0)) + precision * (beta - start)
        curvature = (x * (chance * (1.0 - chance))[:, None]).T @ x + precision * np.eye(2)
        step = np.clip(np.linalg.solve(curvature, gradient), -1.0, 1.0)
        beta = beta - step
        if np.abs(step).max() < 1e-6:
            break
    return beta
