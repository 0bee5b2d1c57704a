"""Somebody's rulebook joined into the working one: by class and member, with what people must choose said aloud."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from curator.errors import BadInput
from curator.project import Project
from curator.rulebook_log import Changed, checked_base, put_in_place, repeated_change, rulebook_at_version
from rulebook.diff import diff
from rulebook.editing import apply_edit
from rulebook.edits import (
    Edit,
    Exclude,
    Include,
    MoveMembers,
    RemoveMembers,
    RenameClass,
    Restore,
    RetireClass,
    SetFields,
)
from rulebook.merge import Conflict, merge
from rulebook.records import Rulebook, RuleError


@dataclass(frozen=True)
class MergeReport:
    """What joining somebody's rulebook gave: the conflicts, and the change where it was made."""

    conflicts: tuple[Conflict, ...]
    rulebook: Rulebook
    changed: Changed | None
    words: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        return {
            "merged": self.changed is not None,
            "version": None if self.changed is None else self.changed.version,
            "changes": list(self.words),
            "conflicts": [conflict_to_json(one) for one in self.conflicts],
        }


def merge_rulebook(
    project: Project,
    theirs: Rulebook,
    base: Rulebook,
    *,
    change_id: str,
    base_version: int,
    actor_id: int,
    choices: Mapping[str, str] | None = None,
    otherwise: str | None = None,
    words: str = "merge",
) -> MergeReport:
    """Join somebody's rulebook into the working one; both come from `base`.

    Args:
        choices: "ours" or "theirs" by `conflict_key`.
        otherwise: what holds for every other conflict; None leaves it open, and nothing is changed.
    Raises:
        StaleRulebook: somebody changed the working rulebook since `base_version`. BadInput: a choice cannot be made.
    """
    db = project.db
    with db.atomic():
        repeated = repeated_change(db, change_id)
        if repeated is not None:
            rulebook = rulebook_at_version(db, repeated.version)
            return MergeReport(
                (), rulebook, repeated, tuple(diff(rulebook_at_version(db, repeated.version - 1), rulebook).words())
            )
        ours = rulebook_at_version(db, checked_base(db, base_version, ()))
        joined = merge(base, ours, theirs)
        result, is_open = joined.rulebook, False
        for conflict in joined.conflicts:
            choice = (choices or {}).get(conflict_key(conflict), otherwise)
            if choice not in ("ours", "theirs", None):
                raise BadInput(f"{conflict}: the choice is {choice!r}, expected 'ours' or 'theirs'")
            is_open |= choice is None
            if choice == "theirs":
                result = _take_theirs(result, conflict, theirs)
        said = tuple(diff(ours, result).words())
        if is_open:
            return MergeReport(joined.conflicts, result, None, said)
        changed = put_in_place(db, result, change_id, "merge", base_version, actor_id, words, ours)
        return MergeReport(joined.conflicts, result, changed, said)


def conflict_key(conflict: Conflict) -> str:
    """A conflict's name among those of one merge."""
    return ":".join((conflict.kind, conflict.subject, conflict.field))


def conflict_to_json(conflict: Conflict) -> dict[str, Any]:
    """A conflict with its key, and in words."""
    said: dict[str, Any] = msgspec.to_builtins(conflict)
    return {"key": conflict_key(conflict), "words": str(conflict)} | said


def _take_theirs(rulebook: Rulebook, conflict: Conflict, theirs: Rulebook) -> Rulebook:
    """The merged rulebook, which holds ours, with the other answer to one conflict."""
    edits: list[Edit] = []
    match conflict.kind:
        case "field" | "added twice":
            edits.append(SetFields((conflict.subject,), {conflict.field: conflict.theirs}))
        case "renamed twice":
            edits.append(RenameClass(conflict.ours, conflict.theirs))
        case "retired and changed" if conflict.theirs == "retired":
            edits.append(RetireClass(conflict.subject))
        case "retired and changed":
            said = theirs.get(conflict.subject).facts()
            edits.append(Restore(put=((len(rulebook.classes), said),)))
        case "moved twice":
            for home in set(conflict.ours) - set(conflict.base):
                for other in sorted(set(conflict.theirs) - set(conflict.base)):
                    edits.append(MoveMembers(home, other, (conflict.subject,)))
                    break
        case "member and excluded" if conflict.subject in theirs.classes_of_tag:
            edits.append(Include((conflict.subject,)))
        case "member and excluded":
            edits += [RemoveMembers(name, (conflict.subject,)) for name in conflict.ours]
            if conflict.subject not in rulebook.reason_of_tag:
                edits.append(Exclude((conflict.subject,), conflict.theirs))
        case _:
            raise BadInput(f"{conflict}: cannot be decided here; edit the class afterwards")
    try:
        for edit in edits:
            rulebook = apply_edit(rulebook, edit).rulebook
    except RuleError as error:
        raise BadInput(f"{conflict}: cannot take theirs: {error}") from error
    return rulebook
