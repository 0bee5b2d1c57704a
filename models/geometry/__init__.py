"""The model `geometry`: where eyes and ears are, said from the other joints alone, without pixels or a network.

A drawing's known joints are read in a frame of its head (origin, up, unit of length), so that place, size and turn in
the picture do not matter. There a ridge regression on squares and products of a dozen numbers gives each face
keypoint's place, its state, and how far off it commonly is. Three choices carry it:

- Left and right share their coefficients: a right eye is the left eye of the mirrored drawing, in fitting as in use.
- Joints can be missing. `TIERS` names seven frames, from all of AnimeDrawingsDataset's joints down to a nose in a box;
  each has its own coefficients, and a drawing is read by the first it has the joints for.
- Shipped coefficients (`geometry_coefficients.json`, made by `python -m models.fit_geometry` from procedural
  characters) are the prior of a Bayesian ridge: they count as so many labelled drawings, so that a person's labels
  take over as they come (`GeometryFit`).

A drawing walks through it in this order: `joints` (what is known, as arrays), `frames` (the head's frame), `features`
(the numbers read there), `regression` (one tier's answer), `model` (all tiers, the answer to the caller), with
`coefficients` (the JSON file) beside. Labels take `fit` and `shrinkage`; an editor asks `view`. Fitting from nothing is
`models.fit_geometry`'s, outside of this package.

Dimension legend, in all modules: N drawings, J = 8 joints read, Z numbers of a tier, F features made of them, 4 face
keypoints in the skeleton's order, 2 parts (eye, ear). Image coordinates as everywhere: pixels, y down.

Never here: pixels, torch, scipy, procedural characters, the database. numpy only; the one file read is the
coefficients', at the first question.
"""

from models.geometry.coefficients import COEFFICIENTS_FILE, FORMAT, tier_to_json
from models.geometry.features import expand, numbers_of
from models.geometry.fit import GeometryFit
from models.geometry.frames import TIERS, Frame, frame_of
from models.geometry.joints import (
    HEAD,
    JOINTS,
    L_HIP,
    L_SHOULDER,
    NECK,
    NOSE,
    R_HIP,
    R_SHOULDER,
    ROOT,
    Drawing,
    Known,
    Points,
    known,
)
from models.geometry.model import NOTHING_KNOWN, FaceKeypoint, GeometryModel, model_from_json
from models.geometry.regression import TOLERANCE, Tier
from models.geometry.shrinkage import Labels, fit_logistic, labels_of, prior_precision, refit
from models.geometry.view import head_view, head_views

__all__ = [
    "COEFFICIENTS_FILE", "FORMAT", "HEAD", "JOINTS", "L_HIP", "L_SHOULDER", "NECK", "NOSE", "NOTHING_KNOWN", "ROOT",
    "R_HIP", "R_SHOULDER", "TIERS", "TOLERANCE", "Drawing", "FaceKeypoint", "Frame", "GeometryFit", "GeometryModel",
    "Known", "Labels", "Points", "Tier", "expand", "fit_logistic", "frame_of", "head_view", "head_views", "known",
    "labels_of", "model_from_json", "numbers_of", "prior_precision", "refit", "tier_to_json",
]  # fmt: skip
