"""What people do with a project, as verbs: the stories of the tests are told with these; all underneath is real."""

import uuid
from pathlib import Path
from typing import Any

import orjson
from cast import CAST, Character

from curator.exports import CocoExport, ExportReport, export_coco
from curator.imports import ImportReport, import_records
from curator.payloads import Box, Change, Changes, Confirmation, Keypoint, Saved, Skip, Task
from curator.picture_import import import_images
from curator.project import Project
from curator.store import annotations, images
from curator.store.annotations import StoredAnnotation
from curator.store.users import LOCAL_ACTOR_ID
from curator.workbench import Workbench
from datasets.records import ImageRecord
from datasets.skeleton import FACE_KEYPOINTS


def new_id() -> str:
    """A change id as a client makes them."""
    return str(uuid.uuid4())


def placed(x: float, y: float, state: str = "visible", source: str = "placed") -> Keypoint:
    """A keypoint that a person put somewhere."""
    return Keypoint(x, y, state, source)  # type: ignore[arg-type]


class Workshop:
    """One project and the person who works on it."""

    def __init__(self, project: Project, folder: Path) -> None:
        self.project = project
        self.folder = folder
        self.bench = Workbench(project)

    def imports(self, *records: ImageRecord) -> ImportReport:
        return import_records(self.project, iter(records), format_name="test", file_name="test")

    def receives(self, *characters: Character) -> None:
        """Records and pictures of these characters come in."""
        self.imports(*(character.record() for character in characters))
        self.receives_pictures(*characters)

    def receives_pictures(self, *characters: Character, link: bool = False) -> ImportReport:
        pictures = self.folder / "pictures"
        pictures.mkdir(exist_ok=True)
        for character in characters:
            (pictures / character.file_name).write_bytes(character.picture())
        return import_images(self.project, pictures, link=link)

    def annotation_of(self, character: Character) -> StoredAnnotation:
        image = images.find_image(self.project.db, "danbooru", str(character.post_id))
        assert image is not None
        return annotations.annotations_of(self.project.db, image.id)[0]

    def next_tasks(self, limit: int = 10, **options: Any) -> list[Task]:
        return self.bench.tasks("face", limit=limit, **options).tasks

    def names_of(self, tasks: list[Task]) -> list[str]:
        by_id = {str(character.post_id): character.name for character in CAST}
        return [by_id[task.image.source_id] for task in tasks]

    def changes(
        self,
        character: Character,
        *,
        base_version: int | None = None,
        change_id: str | None = None,
        box: Box | None = None,
        undoes: str | None = None,
        **keypoints: Keypoint,
    ) -> Saved:
        annotation = self.annotation_of(character)
        change = Change(
            change_id or new_id(),
            annotation.version if base_version is None else base_version,
            Changes(keypoints, box),
            undoes,
        )
        return self.bench.change(annotation.id, change, actor_id=LOCAL_ACTOR_ID)

    def confirms(self, character: Character, *, active_ms: int = 4000, **moved: Keypoint) -> Saved:
        """Press Enter: what was proposed is confirmed, what was moved is placed, the box is taken."""
        task = self.bench.task("face", self.annotation_of(character).id)
        keypoints = {}
        for name in FACE_KEYPOINTS:
            if name in moved:
                keypoints[name] = moved[name]
            elif task.annotation.keypoints[name].state == "undecided":
                assert task.prediction is not None
                proposed = task.prediction.keypoints[name]
                keypoints[name] = Keypoint(proposed.x, proposed.y, proposed.state, "confirmed")
        box = task.annotation.box
        if box.bbox_xywh is None and task.prediction is not None and task.prediction.box is not None:
            box = Box(task.prediction.box.bbox_xywh, "confirmed", True)
        confirmation = Confirmation(
            new_id(), task.annotation.version, "face", Changes(keypoints, box), task.prediction, active_ms
        )
        return self.bench.confirm(task.annotation.id, confirmation, actor_id=LOCAL_ACTOR_ID)

    def skips(self, character: Character, reason: str = "unsure") -> Saved:
        return self.bench.skip(
            self.annotation_of(character).id, Skip(new_id(), "face", reason), actor_id=LOCAL_ACTOR_ID
        )

    def removes(self, character: Character, reason: str = "duplicate") -> Saved:
        return self.bench.remove(self.annotation_of(character).image_id, new_id(), reason, actor_id=LOCAL_ACTOR_ID)

    def restores(self, character: Character) -> Saved:
        return self.bench.restore(self.annotation_of(character).image_id, new_id(), actor_id=LOCAL_ACTOR_ID)

    def exports(self, name: str = "spring", **options: Any) -> "Exported":
        report = export_coco(self.project, self.folder / name, CocoExport(**options))
        return Exported(report)


class Exported:
    """An export as its reader sees it."""

    def __init__(self, report: ExportReport) -> None:
        self.report = report
        self.path = report.folder / "annotations.json"
        self.coco = orjson.loads(self.path.read_bytes())

    def annotation_of(self, character: Character) -> dict[str, Any]:
        image = next(i for i in self.coco["images"] if i["file_name"].endswith(character.file_name))
        return next(a for a in self.coco["annotations"] if a["image_id"] == image["id"])

    def keypoint(self, character: Character, name: str) -> tuple[float, float, int]:
        index = self.coco["categories"][0]["keypoints"].index(name)
        return tuple(self.annotation_of(character)["keypoints"][3 * index : 3 * index + 3])
