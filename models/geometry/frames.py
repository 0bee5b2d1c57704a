"""The frame of a head: an origin, an up and a unit of length, taken from the joints that a drawing has.

In it place, size and turn in the picture do not matter. `TIERS` names seven frames, from all of AnimeDrawingsDataset's
joints down to a nose in a box. All but `shoulders` and `nose` turn with the character; those two must take the
picture's up for the head's, and the box for its size. Frame coordinates: x to the picture's right when the head is
upright, y up the head, in the tier's unit.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from models.geometry.joints import HEAD, L_HIP, L_SHOULDER, NECK, NOSE, R_HIP, R_SHOULDER, ROOT, Known

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
    width = length_of(j[:, L_SHOULDER] - j[:, R_SHOULDER])
    box = 0.1 * np.sqrt(np.abs(seen.boxes_xywh[:, 2] * seen.boxes_xywh[:, 3]))
    image_up = np.broadcast_to(np.array([0.0, -1.0]), nose.shape)
    # A length that foreshortening can shrink to nothing is held up by one across it.
    if tier == "add":
        origin, axis, unit = root, root - neck, np.maximum(length_of(nose - neck), 0.3 * width)
    elif tier == "neck":
        origin, axis, unit = nose, nose - neck, np.maximum(length_of(nose - neck), 0.3 * width)
    elif tier == "coco":
        origin, axis, unit = nose, nose - shoulders, np.maximum(length_of(nose - shoulders), 0.3 * width)
    elif tier == "axis":
        origin, axis, unit = nose, nose - neck, length_of(nose - neck)
    elif tier == "torso":
        origin, axis, unit = shoulders, shoulders - hips, np.maximum(length_of(shoulders - hips), width)
    elif tier == "shoulders":
        origin, axis, unit = shoulders, image_up, np.maximum(width, box)
    else:
        origin, axis, unit = nose, image_up, box
    length = length_of(axis)
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


def length_of(v: np.ndarray) -> np.ndarray:
    """Length of vectors, (..., 2) to (...)."""
    return np.sqrt(v[..., 0] * v[..., 0] + v[..., 1] * v[..., 1])
