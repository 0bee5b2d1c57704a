"""The demo project: drawn characters that come in by the same doors as real data.

The drawings are written as pictures beside an ADD file, imported, tied, pre-filled. Their ids begin far above any
Danbooru post's. A few are left without their picture, so that the pages show what waiting looks like. All is built
beside the demo's folder and renamed at the end: one that was killed half-way is built again, not kept for ever.
"""

import io
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import orjson
from PIL import Image

from curator.errors import ProjectError
from curator.imports import import_add
from curator.picture_import import import_images
from curator.prefill import prefill
from curator.project import DATABASE_NAME, FOLDERS, Project, init_project, open_project
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
        ProjectError: the folder, or `<root>.part` beside it, holds other things, or cannot be written.
    """
    root = root.absolute()
    part = root.with_name(f"{root.name}.part")
    try:
        if root.exists() and not root.is_dir():
            raise ProjectError(f"{root}: is a file, expected a folder or nothing")
        if root.exists() and (strangers := sorted(path.name for path in root.iterdir())):
            raise ProjectError(f"{root}: holds {strangers[0]!r}, expected an empty folder")
        _remove_leftover(part)
    except OSError as error:
        raise ProjectError(f"{root}: cannot make a project here ({error.strerror})") from error
    try:
        project = init_project(part)
        try:
            _fill(project, progress)
        finally:
            project.close()  # its database moves with the folder
        os.rename(part, root)
    except BaseException as error:
        shutil.rmtree(part, ignore_errors=True)
        if isinstance(error, OSError):
            raise ProjectError(f"{root}: cannot make a project here ({error.strerror})") from error
        raise
    return open_project(root)


def _remove_leftover(part: Path) -> None:
    """Remove what a killed build left; a folder of that name with other things in it is not ours to remove."""
    if not os.path.lexists(part):
        return
    if part.is_symlink() or not part.is_dir():
        raise ProjectError(f"{part}: is in the way of building the demo; move it elsewhere")
    if strangers := sorted(
        path.name for path in part.iterdir() if path.name not in FOLDERS and not path.name.startswith(DATABASE_NAME)
    ):
        raise ProjectError(f"{part}: holds {strangers[0]!r} and is in the way of building the demo; move it elsewhere")
    shutil.rmtree(part)


def _fill(project: Project, progress: Callable[[int, int], None]) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_drawings(folder, NUM_DRAWINGS, first_seed=FIRST_SEED, progress=progress)
        import_add(project, folder / "data.json")
        for path in sorted((folder / "images").iterdir())[-NUM_WITHOUT_PICTURE:]:
            path.unlink()
        import_images(project, folder / "images")
    prefill(project, missing_only=True)


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
