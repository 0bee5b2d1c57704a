"""COCO person-keypoints files, in and out: the door's names, and what our files say beyond COCO.

    read_coco(path) -> ImageRecords and Refusals          datasets/coco_read.py
    write_coco(path, rows, options=...) -> CocoReport     datasets/coco_write.py
    verify_coco(path, rows, options=...) -> sentences     datasets/coco_verify.py, through pycocotools

Coordinates are verbatim: pixels of the record's frame, x right, y down, continuous; nothing is rounded, shifted by half
a pixel, or clipped. In a triple v = 0 is absent or has no place (written 0, 0, 0), 1 hidden, 2 visible.

The extra field `curator`
-------------------------
What COCO cannot say stands in a field of that name, on images and annotations; other programs skip it. `read_coco` of
what `write_coco` wrote gives equal records. `CocoOptions(curator=False)` leaves the field out.

An image has, beside COCO's fields, its attribution in plain sight: `license` (the id in `licenses`), `artist`, `source`
(left out for "file"), `source_id` (left out where it is the file name), `rating`, `rating_scheme`. Its `curator` holds

    format          1; says that the file is ours
    fit_wh, original_wh, original_md5, digest, removal, flags     the record's, each left out where there is nothing
    other           fields of other programs whose names this list or COCO uses itself

An annotation's `curator` holds

    states          17 letters, COCO's order: u undecided, v visible, h hidden, a absent
    sources         17 letters: - none, i imported, m predicted (by a model), p placed, c confirmed, j adjudicated
    points          name -> [x, y]: places that the triple does not carry (absent points, predicted points left out)
    extras          name -> [x, y]: named points beyond the skeleton
    made_box        where the record has no box: the `bbox` that was made from its points, or of the whole picture
    box_source, box_confirmed    left out for "none" and false
    area            the record's own area, where it is not the written one (null: it has none)
    source_id       the record's own id in its file, where it is not this file's `id` (null: it has none)
    other           as above

Where another program has changed a triple or a made box and left `curator` as it was, what it wrote wins.
"""

from datasets.coco_read import read_coco
from datasets.coco_verify import verify_coco
from datasets.coco_write import CocoOptions, CocoReport, CocoRow, number_rows, write_coco

__all__ = ["CocoOptions", "CocoReport", "CocoRow", "number_rows", "read_coco", "verify_coco", "write_coco"]
