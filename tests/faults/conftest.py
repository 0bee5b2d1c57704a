"""What the fault tests tell the soak report beside their kills: how many cases hypothesis tried."""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import Any

import pytest

COUNTS = re.compile(r"(\d+) passing, (\d+) failing")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Hypothesis leaves its statistics on the item, as words."""
    try:
        return (yield)
    finally:
        words = getattr(item, "hypothesis_statistics", None)
        if words:
            cases = sum(int(count) for pair in COUNTS.findall(words) for count in pair)
            item.user_properties.append(("cases", cases))
