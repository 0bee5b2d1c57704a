"""The one clock: UTC in ISO 8601, milliseconds, as every row keeps it."""

from datetime import UTC, datetime


def now() -> str:
    """The present moment, such as `2026-05-01T12:30:00.125Z`."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
