"""The fitted model: all tiers together, and what it answers about a drawing.

A drawing is read by the first tier that it has the joints for. The model knows nothing of a person's labels; `fit`
makes another of it that has them.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np

from datasets.skeleton import FACE_KEYPOINTS
from models.geometry.coefficients import COEFFICIENTS_FILE, FORMAT, tier_from_json
from models.geometry.frames import TIERS, frame_of
from models.geometry.joints import Drawing, Known, Points, known
from models.geometry.regression import Tier, apply

NOTHING_KNOWN: Final = "no nose with a neck, shoulders or a box, and no pair of shoulders: the face cannot be placed"


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
            if not len(waiting):
                break
            rows = waiting[frame_of(fitted.name, seen.rows(waiting)).ok]
            if len(rows):
                tier_index[rows] = index
                places[rows], visible[rows], scores[rows] = apply(fitted, seen.rows(rows))
        return places, visible, scores, tier_index


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
    tiers = tuple(tier_from_json(name, document["tiers"][name]) for name in TIERS)
    offset, slopes, state_offset, state_slopes = document["strength"]
    return GeometryModel(f"geometry-{document['version']}", tiers, (offset, slopes, state_offset, state_slopes))
