"""The dozen numbers a tier reads off a drawing in its frame, and the features made of them.

Every number is odd or even: in the mirrored drawing it changes its sign or stays. That is what lets left and right
share their coefficients. All are squashed or logarithms, so that one far joint cannot carry a prediction away.
"""

import numpy as np

from models.geometry.frames import Frame, length_of
from models.geometry.joints import HEAD, L_HIP, L_SHOULDER, NECK, NOSE, R_HIP, R_SHOULDER, Known

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
        columns += [
            (EVEN, _soft(across[:, 0] / 1.5)),
            (ODD, _soft(across[:, 1] / 1.5)),
            (EVEN, _log(length_of(across))),
        ]
    if tier in ("add", "neck", "coco"):
        columns += [(EVEN, _log(length_of(shoulders - hips)))]
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
        columns += [(ODD, _soft((hips - q[:, NECK])[:, 0])), (EVEN, _log(length_of(hips - q[:, NECK])))]
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


def _soft(v: np.ndarray) -> np.ndarray:
    """Squash to (-1, 1), so that a far joint is only 'far'."""
    return v / np.sqrt(1.0 + v * v)


def _log(v: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(v, 0.02))
