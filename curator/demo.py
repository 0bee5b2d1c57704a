"""The demo project: drawn characters that come in by the same doors as real data.

The drawings are written as pictures beside an ADD file, imported, tied, pre-filled. Their ids begin far above any
Danbooru post's. A few are left without their picture, so that the pages show what waiting looks like.
"""

import io
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import orjson
from PIL import Image

from curator.imports import import_add
from curator.picture_import import import_images
from curator.prefill import prefill
from curator.project import Project, init_project
from datasets.characters import add_item, draw_character

NUM_DRAWINGS: Final = 48
NUM_WITHOUT_PICTURE: Final = 3
FIRST_ID: Final = 900_000_000
FIRST_SEED: Final = 2022


def build_demo(root: Path, progress: Callable[[int, int], None]) -> Project:
    """Make the demo project in an empty folder.

    Args:
        progress: called with (drawings done, all).
    Raises:
        ProjectError: the folder holds other things.
    """
    project = init_project(root)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_drawings(folder, NUM_DRAWINGS, first_seed=FIRST_SEED, progress=progress)
        import_add(project, folder / "data.json")
        for path in sorted((folder / "images").iterdir())[-NUM_WITHOUT_PICTURE:]:
            path.unlink()
        import_images(project, folder / "images")
    prefill(project, missing_only=True)
    return project


def write_drawings(
    folder: Path, count: int, *, first_seed: int, progress: Callable[[int, int], None] | None = None
) -> None:
    """Write `count` drawings as AnimeDrawingsDataset lays them out: `data.json` and `images/<id>.png`."""
    (folder / "images").mkdir(parents=True)
    items: list[dict[str, Any]] = []
    for index in range(count):
        drawn = draw_character(first_seed + index)
        name = f"{FIRST_ID + index}.png"
        buffer = io.BytesIO()
        Image.fromarray(drawn.rgba, "RGBA").save(buffer, "PNG", compress_level=1)
        (folder / "images" / name).write_bytes(buffer.getvalue())
        items.append(add_item(drawn, f"data/images/{name}"))
        if progress is not None:
            progress(index + 1, count)
    (folder / "data.json").write_bytes(orjson.dumps(items, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY))
