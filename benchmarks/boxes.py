"""How close the box proposed from the joints comes to the box of the drawing: `python -m benchmarks.boxes`.

Prints the mean IoU on procedural characters for the shipped constants, for a plain margin, and for the constants around
the shipped ones, so that a change of the drawings shows at once whether they still fit.
"""

import argparse
import itertools
import json
from unittest import mock

import numpy as np

from datasets import boxes
from datasets.characters import DrawnCharacter, draw_character
from datasets.skeleton import COCO_KEYPOINTS, FACE_KEYPOINTS

FIRST_SEED = 5000


def iou(a: list[float], b: list[float]) -> float:
    """Intersection over union of two [x, y, w, h]."""
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    shared = max(width, 0) * max(height, 0)
    return shared / (a[2] * a[3] + b[2] * b[3] - shared)


def mean_iou(drawn: list[DrawnCharacter], margin: float, centre: float, radius: float) -> float:
    """Mean IoU of proposed and true boxes, the joints known as AnimeDrawingsDataset knows them (no eyes, no ears)."""
    scores = []
    with mock.patch.multiple(boxes, JOINT_MARGIN=margin, HEAD_CENTRE=centre, HEAD_RADIUS=radius):
        for character in drawn:
            points = [
                None if name in FACE_KEYPOINTS else list(point)
                for name, point in zip(COCO_KEYPOINTS, character.points.tolist(), strict=False)
            ]
            height, width = character.alpha.shape
            box = boxes.box_of_joints(points, character.extras, (width, height))
            scores.append(0.0 if box is None else iou(box, [float(v) for v in character.bbox_xywh]))
    return float(np.mean(scores))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--characters", type=int, default=240)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    drawn = [draw_character(FIRST_SEED + index) for index in range(arguments.characters)]
    shipped = (boxes.JOINT_MARGIN, boxes.HEAD_CENTRE, boxes.HEAD_RADIUS)
    rows = {
        "shipped": mean_iou(drawn, *shipped),
        "joints and a margin of 0.04 only": mean_iou(drawn, 0.04, 0.0, 0.0),
    }
    around = [(0.02, 0.03, 0.04), (1.7, 1.9, 2.1), (1.0, 1.2, 1.4)]
    best = max(itertools.product(*around), key=lambda constants: mean_iou(drawn, *constants))
    rows[f"best around: margin {best[0]}, centre {best[1]}, radius {best[2]}"] = mean_iou(drawn, *best)
    if arguments.json:
        print(json.dumps({"characters": len(drawn), "first_seed": FIRST_SEED, "mean_iou": rows}))
        return
    print(f"mean IoU of the proposed box, {len(drawn)} procedural characters from seed {FIRST_SEED}")
    for name, value in rows.items():
        print(f"  {value:.3f}  {name}")


if __name__ == "__main__":
    main()
