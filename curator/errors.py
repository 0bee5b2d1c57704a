"""What can go wrong in a way a person should read, as one family.

    CuratorError              one clear sentence: where, what was found, what was expected
    +-- BadInput              the request or the file cannot be used as it is; `field` names the part
    +-- NotFound              no such image, annotation, queue, file
    +-- Stale                 somebody saved in between; carries the current record
    +-- Busy                  another process holds what is needed; trying again later may work
    +-- ProjectError          the project folder itself: absent, from a newer release, damaged
    +-- ExportMismatch        a written file did not read back as what was meant

Lower rooms raise small `ValueError`s of their own (`datasets.records.FormatError`); the doors turn them into these.
"""

from typing import Any


class CuratorError(Exception):
    """A failure to be told to a person as one sentence."""


class BadInput(CuratorError):
    """Input that cannot be used. `field` is a path such as `changes.keypoints.left_eye.x`, None for the whole."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class NotFound(CuratorError):
    """Something named does not exist."""


class Stale(CuratorError):
    """The row has moved on since the client read it: `version` is today's, `annotation` today's record."""

    def __init__(self, message: str, version: int, annotation: Any) -> None:
        super().__init__(message)
        self.version = version
        self.annotation = annotation


class Busy(CuratorError):
    """Something is held by another process."""


class ProjectError(CuratorError):
    """The project folder cannot be opened."""


class ExportMismatch(CuratorError):
    """What was written differs from the store; `mismatches` are sentences."""

    def __init__(self, message: str, mismatches: list[str]) -> None:
        super().__init__(message)
        self.mismatches = mismatches
