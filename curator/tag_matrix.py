"""The tagger's dataset as files: which classes are true of which post, weights, what augmentation each class survives.

    classes.npz      CSR as scipy.sparse.load_npz reads it: posts x outputs, uint8
    images.csv       a line a row of the matrix: post id, and the image of the project that it is
    classes.json     a list in output order: count, weight, safe augmentations; retired outputs are kept, empty
    rulebook.toml    the rulebook that made it
    manifest.json    digests, filter, funnel

Columns are the output indexes that a publish gives. A class that no kept post has, or every one, has no weight: an
error names it.
"""

import csv
import hashlib
import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from curator import rulebook_publishing, rulebooks
from curator.blobs import describe_disk_error
from curator.errors import BadInput, CuratorError
from curator.posts import SOURCE
from curator.project import Project
from curator.rulebook_bench import RulebookBench, told
from curator.store.posts import images_of_source
from rulebook.apply import apply_rulebook
from rulebook.class_matrix import ClassMatrix, augmentation_safety, class_matrix, weights
from rulebook.editing import apply_edit
from rulebook.edits import RetireClass, Several
from rulebook.filters import Filter, filter_to_builtins
from rulebook.toml_text import write_rulebook

MAX_TOLD = 10  # constant classes named in one sentence


@dataclass(slots=True)
class MatrixReport:
    """The shape of every export; `dropped` are classes left out because they are constant."""

    folder: Path
    files: list[dict[str, str]] = field(default_factory=list)
    images: int = 0
    classes: int = 0
    dropped: list[dict[str, str]] = field(default_factory=list)
    digest: str = ""

    def to_dict(self) -> dict[str, Any]:
        return {
            "files": self.files,
            "images": self.images,
            "annotations": 0,
            "per_split": {"all": self.images},
            "dropped": self.dropped,
            "classes": self.classes,
            "digest": self.digest,
        }


def export_tag_matrix(project: Project, folder: Path, chosen: Filter, *, drop_constant: bool = False) -> MatrixReport:
    """Write the posts that pass a filter with their classes, as one folder that is there whole or not at all.

    Args:
        drop_constant: leave classes out that no kept post has, or every one, instead of refusing.
    Raises:
        BadInput: a constant class, by name; or the folder exists. CuratorError: the disk is full.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadInput(f"{folder}: exists already, expected a new or empty folder")
    bench = RulebookBench(project, chosen)
    index, facts, applied = bench.index(), bench.facts(), bench.applied()
    rulebook = rulebooks.working(project).rulebook
    report = MatrixReport(folder)
    constant = {name: count for name, count in applied.counts.items() if not 0 < count < applied.kept}
    if constant and not drop_constant:
        raise BadInput(_constant_words(constant, applied.kept))
    lock = rulebook_publishing.lock_of_working(project)
    with told():
        if constant:
            # Fewer classes can change who passes the filter, so it is applied anew until every class says something.
            while constant:
                for name, count in constant.items():
                    report.dropped.append({"record": name, "reason": f"is true of {count} of {applied.kept} posts"})
                rulebook = apply_edit(rulebook, Several(tuple(RetireClass(name) for name in constant))).rulebook
                applied = apply_rulebook(index, rulebook, chosen, facts)
                constant = {name: count for name, count in applied.counts.items() if not 0 < count < applied.kept}
        if not applied.counts:
            raise BadInput(f"no class is true of some of the {applied.kept} posts and not of all")
        matrix = class_matrix(index, applied.truths.bitmaps, applied.sieved.kept, lock)
        loss = weights(applied.counts, applied.kept)
    by_name = {
        name: {"r": r, "weight_positive": positive, "weight_negative": negative}
        for name, r, positive, negative in zip(
            loss.class_names, loss.r.tolist(), loss.positive.tolist(), loss.negative.tolist(), strict=True
        )
    }
    for safe in augmentation_safety(rulebook):
        by_name[safe.name] |= {"recolor": safe.recolor, "flip": safe.flip, "rotate": safe.rotate}
    classes = []
    for output, slot in enumerate(lock.slots):
        said: dict[str, Any] = {"index": output, "name": slot.name}
        if matrix.class_names[output]:
            count = applied.counts[slot.name]
            said |= {"count": count, "frequency": count / applied.kept} | by_name[slot.name]
        else:
            said["unused"] = True
        classes.append(said)
    contents = {
        "classes.npz": _npz(matrix),
        "images.csv": _images_csv(project, matrix),
        "classes.json": _json(classes),
        "rulebook.toml": write_rulebook(rulebook).encode(),
    }
    report.files = [{"path": name, "sha256": hashlib.sha256(said).hexdigest()} for name, said in contents.items()]
    report.images, report.classes, report.digest = matrix.shape[0], len(applied.counts), applied.digest
    manifest = {
        "format": "tag-matrix",
        "images": report.images,
        "classes": report.classes,
        "outputs": matrix.shape[1],
        "filter": filter_to_builtins(chosen),
        "funnel": applied.to_json()["funnel"],
        "digest": applied.digest,
        "inputs": applied.inputs,
        "weights": "r = sqrt(N_i) / (sqrt(N_i) + sqrt(N - N_i)); w(z) = 1/2 (z / r + (1 - z) / (1 - r))",
        "dropped": report.dropped,
        "files": report.files,
    }
    contents["manifest.json"] = _json(manifest)
    report.files = [
        *report.files,
        {"path": "manifest.json", "sha256": hashlib.sha256(contents["manifest.json"]).hexdigest()},
    ]
    try:
        rulebook_publishing.write_folder(folder, contents)
    except OSError as error:
        raise CuratorError(describe_disk_error(folder, error)) from error
    return report


def _constant_words(constant: dict[str, int], kept: int) -> str:
    names = [f"{name!r} ({count})" for name, count in constant.items()]
    more = f" and {len(names) - MAX_TOLD} more" if len(names) > MAX_TOLD else ""
    what = f"class {', '.join(names[:MAX_TOLD])}{more}: is true of none or all of the {kept} posts"
    return f"{what}, expected some and not all; edit the rulebook, or leave such classes out (--drop-constant)"


def _npz(matrix: ClassMatrix) -> bytes:
    out = io.BytesIO()
    np.savez_compressed(
        out,
        indices=matrix.indices.astype(np.int32),
        indptr=matrix.indptr.astype(np.int64),
        format=np.array(b"csr"),
        shape=np.array(matrix.shape, dtype=np.int64),
        data=np.ones(len(matrix.indices), dtype=np.uint8),
    )
    return out.getvalue()


def _images_csv(project: Project, matrix: ClassMatrix) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("row", "post_id", "image_id", "file_name"))
    known = images_of_source(project.db, SOURCE)
    for row, post_id in enumerate(matrix.post_ids.tolist()):
        writer.writerow((row, post_id, *known.get(str(post_id), ("", ""))))
    return out.getvalue().encode()


def _json(value: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n"
