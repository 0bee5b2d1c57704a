"""Masks against pycocotools' own answers, and masks that would lead pycocotools astray."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pycocotools import mask as coco_mask

from datasets.masks import (
    alpha_box_xywh,
    alpha_to_rle,
    check_segmentation,
    mask_area,
    mask_box_xywh,
    segmentation_to_mask,
)
from datasets.records import FormatError

SQUARE = [[10, 10, 20, 10, 20, 20, 10, 20]]


def test_alpha_becomes_rle_as_coco_files_hold_it():
    alpha = np.zeros((4, 3), dtype=np.uint8)
    alpha[1:3, 1] = 255

    rle = alpha_to_rle(alpha)

    assert rle["size"] == [4, 3]
    assert isinstance(rle["counts"], str)
    assert coco_mask.decode(rle).tolist() == [[0, 0, 0], [0, 1, 0], [0, 1, 0], [0, 0, 0]]


def test_a_threshold_leaves_faint_alpha_out():
    alpha = np.array([[0, 10, 200]], dtype=np.uint8)

    assert mask_area(alpha_to_rle(alpha), (3, 1)) == 2
    assert mask_area(alpha_to_rle(alpha, threshold=127), (3, 1)) == 1
    assert alpha_box_xywh(alpha, threshold=127) == [2, 0, 1, 1]


@pytest.mark.parametrize(
    ("segmentation", "area", "box"),
    [
        (SQUARE, 100, [10, 10, 10, 10]),
        ([*SQUARE, [30, 5, 32, 5, 32, 9, 30, 9]], 108, [10, 5, 22, 15]),
        ([*SQUARE, [15, 15, 25, 15, 25, 18, 15, 18]], 115, [10, 10, 15, 10]),
        ({"size": [4, 5], "counts": [5, 2, 2, 2, 9]}, 4, [1, 1, 2, 2]),
        (alpha_to_rle(np.eye(7)), 7, [0, 0, 7, 7]),
        (alpha_to_rle(np.zeros((7, 7))), 0, None),
        ([], None, None),
        ([[1, 2, 3, 4]], None, None),
        ([[10, 10, 20, 10, 20, 20, 10, 20], [1, 2]], 100, [10, 10, 10, 10]),
        (None, None, None),
        ("abc", None, None),
    ],
    ids=[
        "polygon", "two polygons", "overlapping polygons", "uncompressed RLE", "compressed RLE", "empty mask",
        "no polygons", "a line", "a polygon and a point", "none", "text",
    ],
)  # fmt: skip
def test_area_and_tight_box(segmentation, area, box):
    assert mask_area(segmentation, (40, 30)) == area
    assert mask_box_xywh(segmentation, (40, 30)) == box


def test_a_polygon_in_a_picture_of_unknown_size_is_drawn_whole():
    assert mask_area(SQUARE, (None, None)) == 100
    assert mask_area(SQUARE, (15, 15)) == 25, "cut off at the edge of a known picture"


def test_a_polygon_becomes_pixels_in_rows_and_columns():
    mask = segmentation_to_mask(SQUARE, (40, 30))

    assert mask.shape == (30, 40)
    assert mask.sum() == 100
    assert mask[10:20, 10:20].all()


@given(
    hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=24), elements=st.sampled_from([0, 0, 255]))
)
def test_any_alpha_comes_back_from_its_rle(alpha):
    rle = alpha_to_rle(alpha)
    height, width = alpha.shape

    check_segmentation(rle)
    assert (segmentation_to_mask(rle, (width, height)) == (alpha > 0)).all()
    assert mask_area(rle, (width, height)) == (alpha > 0).sum()
    assert mask_box_xywh(rle, (width, height)) == alpha_box_xywh(alpha)


BAD = {
    "a number": (5, "segmentation is int, expected polygons or an RLE object"),
    "a flat polygon": ([1, 2, 3, 4, 5, 6], "segmentation[0] is int, expected a polygon [x1, y1, x2, y2, ...]"),
    "an odd polygon": ([[1, 2, 3]], "segmentation[0] has 3 numbers, expected x, y pairs"),
    "text in a polygon": ([[1, 2, "3", 4]], "segmentation[0] holds something that is no number, expected x, y pairs"),
    "no size": ({"counts": [4]}, "segmentation.size is None, expected [height, width]"),
    "a negative size": ({"size": [-2, -2], "counts": [4]}, "segmentation.size is [-2, -2], expected [height, width]"),
    "a size of gigapixels": ({"size": [10**6, 10**6], "counts": "0"}, "expected at most 200 megapixels"),
    "no counts": ({"size": [2, 2]}, "segmentation.counts is NoneType, expected a string or a list of numbers"),
    "negative counts": ({"size": [2, 2], "counts": [5, -1]}, "segmentation.counts holds something else, exp"),
    "too few counts": ({"size": [2, 2], "counts": [3]}, "segmentation.counts covers 3 pixels, expected 4 (2 x 2)"),
    "too many counts": ({"size": [2, 2], "counts": [3, 2]}, "segmentation.counts covers 5 pixels, expected 4 (2 x 2)"),
    "empty counts": ({"size": [2, 2], "counts": ""}, "segmentation.counts is cut off or has characters of no RLE"),
    "cut off counts": ({"size": [2, 2], "counts": "P"}, "segmentation.counts is cut off or has characters of no RLE"),
    "foreign characters": ({"size": [2, 2], "counts": "\x01\x7f"}, "is cut off or has characters of no RLE"),
    "not ASCII": ({"size": [2, 2], "counts": "ü"}, "segmentation.counts has characters of no RLE"),
    "a run without end": ({"size": [2, 2], "counts": "o" * 12 + "0"}, "has a run of more than 32 bits"),
    "a negative run": ({"size": [2, 2], "counts": "4@"}, "has a run of negative length"),
}  # fmt: skip


@pytest.mark.parametrize(("segmentation", "reason"), BAD.values(), ids=BAD)
def test_a_bad_mask_is_refused_before_pycocotools_sees_it(segmentation, reason):
    with pytest.raises(FormatError) as caught:
        check_segmentation(segmentation)

    assert reason in str(caught.value)
    assert mask_area(segmentation, (40, 30)) is None


@pytest.mark.parametrize(
    "polygon",
    [[0, 0, 1e9, 0, 1e9, 1e9], [0, 0, 10**400, 0, 1, 1], [-9e8, 0, 1, 1, 2, 2], [0.0, 0, float("nan"), 1, 1, 1]],
    ids=["far away", "beyond any float", "far to the left", "NaN"],
)
def test_a_polygon_that_would_cost_gigabytes_is_no_mask(polygon):
    assert mask_area([polygon], (40, 30)) is None
    with pytest.raises(FormatError, match="expected a mask"):
        segmentation_to_mask([polygon], (40, 30))


@given(st.text(st.characters(min_codepoint=40, max_codepoint=120), max_size=20))
def test_no_counts_string_brings_the_process_down(counts):
    area = mask_area({"size": [5, 5], "counts": counts}, (5, 5))

    assert area is None or 0 <= area <= 25


@pytest.mark.parametrize("shape", [(3, 4, 2), (0, 5), (7,)])
def test_an_array_that_is_no_picture_is_refused(shape):
    with pytest.raises(ValueError, match=r"expected \(H, W\)"):
        alpha_to_rle(np.zeros(shape, dtype=np.uint8))
