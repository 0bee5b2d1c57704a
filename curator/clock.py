"""The one clock: UTC in ISO 8601, milliseconds, as every row keeps it."""

from datetime import UTC, datetime


def now() -> str:
    """The present moment, such as `2026-05-01T12:30:00.125Z`."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{datetime.now(UTC).microsecond // 1000:03d}Z"
