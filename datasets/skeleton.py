"""The skeleton, once: names, order, edges, mirror pairs and OKS constants of a character's keypoints.

The 17 COCO person keypoints come first, in COCO's order and under COCO's names; they are the only ones stored. Eight
limb midpoints follow when an annotation is read (K = 25): plain averages of two stored ends, each as certain as the
weaker of them. Left and right are the character's own. Indices are 0-based here; COCO's 1-based edges exist only in
files (see `coco_skeleton`).

Sources: keypoints, edges and sigmas from the COCO keypoint task (cocodataset.org); midpoints from Khungurn & Chou 2016,
"Pose estimation of anime/manga characters", as used by Chen & Zwicker 2022.
"""

from collections.abc import Sequence
from typing import Final, Literal

State = Literal["undecided", "visible", "hidden", "absent"]
XY = tuple[float, float] | list[float]
Source = Literal["none", "imported", "predicted", "placed", "confirmed", "adjudicated"]

STATES: Final[tuple[State, ...]] = ("undecided", "visible", "hidden", "absent")
SOURCES: Final[tuple[Source, ...]] = ("none", "imported", "predicted", "placed", "confirmed", "adjudicated")
HUMAN_SOURCES: Final[frozenset[str]] = frozenset({"placed", "confirmed", "adjudicated"})

COCO_KEYPOINTS: Final[tuple[str, ...]] = (
    "nose",
    "left_eye",
    "right_eye",
    "left_ear",
    "right_ear",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
)
NUM_KEYPOINTS: Final = len(COCO_KEYPOINTS)

# Each midpoint with the two stored ends it is the average of.
MIDPOINT_ENDS: Final[dict[str, tuple[str, str]]] = {
    "left_upper_arm": ("left_shoulder", "left_elbow"),
    "right_upper_arm": ("right_shoulder", "right_elbow"),
    "left_forearm": ("left_elbow", "left_wrist"),
    "right_forearm": ("right_elbow", "right_wrist"),
    "left_thigh": ("left_hip", "left_knee"),
    "right_thigh": ("right_hip", "right_knee"),
    "left_shin": ("left_knee", "left_ankle"),
    "right_shin": ("right_knee", "right_ankle"),
}
MIDPOINTS: Final[tuple[str, ...]] = tuple(MIDPOINT_ENDS)
ALL_KEYPOINTS: Final[tuple[str, ...]] = COCO_KEYPOINTS + MIDPOINTS

INDEX: Final[dict[str, int]] = {name: index for index, name in enumerate(ALL_KEYPOINTS)}
FACE_KEYPOINTS: Final[tuple[str, ...]] = ("left_eye", "right_eye", "left_ear", "right_ear")

# AnimeDrawingsDataset's names for what COCO has too; the rest of its 21 names stay as named extra points.
ADD_TO_COCO: Final[dict[str, str]] = {
    "nose_tip": "nose",
    **{
        f"{theirs}_{side}": f"{side}_{ours}"
        for theirs, ours in {
            "arm": "shoulder", "elbow": "elbow", "wrist": "wrist", "leg": "hip", "knee": "knee", "ankle": "ankle",
        }.items()
        for side in ("left", "right")
    },
}  # fmt: skip
ADD_EXTRAS: Final[tuple[str, ...]] = (
    "nose_root", "body_upper", "neck", "head", "thumb_left", "thumb_right", "tiptoe_left", "tiptoe_right",
)  # fmt: skip
ADD_NAMES: Final[tuple[str, ...]] = (
    "body_upper", "neck", "head", "nose_tip", "nose_root",
    "arm_left", "elbow_left", "wrist_left", "thumb_left", "arm_right", "elbow_right", "wrist_right", "thumb_right",
    "leg_left", "knee_left", "ankle_left", "tiptoe_left", "leg_right", "knee_right", "ankle_right", "tiptoe_right",
)  # fmt: skip

# COCO's 19 edges, in COCO's order.
EDGES: Final[tuple[tuple[str, str], ...]] = (
    ("left_ankle", "left_knee"),
    ("left_knee", "left_hip"),
    ("right_ankle", "right_knee"),
    ("right_knee", "right_hip"),
    ("left_hip", "right_hip"),
    ("left_shoulder", "left_hip"),
    ("right_shoulder", "right_hip"),
    ("left_shoulder", "right_shoulder"),
    ("left_shoulder", "left_elbow"),
    ("right_shoulder", "right_elbow"),
    ("left_elbow", "left_wrist"),
    ("right_elbow", "right_wrist"),
    ("left_eye", "right_eye"),
    ("nose", "left_eye"),
    ("nose", "right_eye"),
    ("left_eye", "left_ear"),
    ("right_eye", "right_ear"),
    ("left_ear", "left_shoulder"),
    ("right_ear", "right_shoulder"),
)
MIDPOINT_EDGES: Final[tuple[tuple[str, str], ...]] = tuple(
    edge for middle, (start, end) in MIDPOINT_ENDS.items() for edge in ((start, middle), (middle, end))
)

FLIP_PAIRS: Final[tuple[tuple[str, str], ...]] = tuple(
    (name, name.replace("left_", "right_", 1)) for name in ALL_KEYPOINTS if name.startswith("left_")
)

# Standard deviations of COCO's repeated human labels over sqrt(object area).
_COCO_SIGMAS = {
    "nose": 0.026, "eye": 0.025, "ear": 0.035, "shoulder": 0.079, "elbow": 0.072, "wrist": 0.062,
    "hip": 0.107, "knee": 0.087, "ankle": 0.089,
}  # fmt: skip


def _sigma(name: str) -> float:
    if name in MIDPOINT_ENDS:
        start, end = MIDPOINT_ENDS[name]
        return (_sigma(start) + _sigma(end)) / 2
    return _COCO_SIGMAS[name.removeprefix("left_").removeprefix("right_")]


OKS_SIGMAS: Final[tuple[float, ...]] = tuple(_sigma(name) for name in ALL_KEYPOINTS)


def mirror_name(name: str) -> str:
    """The same part on the other side: `left_eye` for `right_eye`; a part of the middle is its own mirror."""
    for this, other in (("left", "right"), ("right", "left")):
        if name.startswith(f"{this}_"):
            return other + name[len(this) :]
        if name.endswith(f"_{this}"):
            return name[: -len(this)] + other
    return name


def coco_skeleton(with_midpoints: bool = False) -> list[list[int]]:
    """Edges as COCO files want them: pairs of 1-based indices; with midpoints the halves of each limb as well."""
    edges = EDGES + MIDPOINT_EDGES if with_midpoints else EDGES
    return [[INDEX[start] + 1, INDEX[end] + 1] for start, end in edges]


# How far a state is from being a sure place, for the midpoint of two ends: the weaker end decides.
_CERTAINTY: Final[dict[State, int]] = {"visible": 3, "hidden": 2, "undecided": 1, "absent": 0}


def weaker_state(a: State, b: State) -> State:
    """The state of a point that is known only as well as the worse of two: visible > hidden > undecided > absent."""
    return a if _CERTAINTY[a] <= _CERTAINTY[b] else b


def with_midpoints(points: Sequence[XY | None], states: Sequence[State]) -> tuple[list[XY | None], list[State]]:
    """Read 17 stored keypoints as 25: append the eight limb midpoints.

    Args:
        points: 17 (x, y) in image pixels, or None where there is no place.
        states: 17 states.
    Returns:
        25 points and 25 states; a midpoint is None where an end has no place, and takes the weaker state of its ends.
    Raises:
        ValueError: not 17 points and 17 states.
    """
    if len(points) != NUM_KEYPOINTS or len(states) != NUM_KEYPOINTS:
        raise ValueError(f"got {len(points)} points and {len(states)} states, expected {NUM_KEYPOINTS} of each")
    all_points: list[XY | None] = list(points)
    all_states: list[State] = list(states)
    for start, end in MIDPOINT_ENDS.values():
        a, b = points[INDEX[start]], points[INDEX[end]]
        all_points.append(None if a is None or b is None else ((a[0] + b[0]) / 2, (a[1] + b[1]) / 2))
        all_states.append(weaker_state(states[INDEX[start]], states[INDEX[end]]))
    return all_points, all_states
