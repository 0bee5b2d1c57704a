"""The card of a frozen dataset: what is in it, how it was split, who drew it; Markdown under a YAML header.

Everything on it is counted by the caller and handed over; nothing is assumed, and an unknown licence or artist is shown
as unknown. Names and addresses come from strangers: the header holds them quoted, tables escape what Markdown or HTML
would take for its own, and only http and https addresses become links. The same facts give the same bytes: no date, no
machine.

The header's keys are those of Hugging Face's dataset cards (`license`, `size_categories`, `tags`, `pretty_name`), with
our own counts under `curator`.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

UNKNOWN: Final = "unknown"
# Hugging Face's names of sizes, by the first number that is too large for one.
_SIZES: Final = (
    (1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"), (10_000_000, "1M<n<10M"),
)  # fmt: skip
# What Markdown or HTML in a table's cell would take for its own.
_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]()#+!|~])")


@dataclass(frozen=True, slots=True)
class Attribution:
    """One artist's part in a dataset. None where nothing is known."""

    artist: str | None
    num_images: int
    handle: str | None = None
    url: str | None = None
    licence: str | None = None


@dataclass(frozen=True, slots=True)
class CardFacts:
    """What a card says.

    counts: images by split, with `quarantined` and `removed` (`Split.counts`). differences: where a paper's counts are
    others (`Split.differences`). removals: reason -> images. distributions: title -> value -> split -> count. leaks:
    what is left of them, by kind (`leaks.count_leaks`). override: why it was frozen in spite of leaks.
    """

    name: str
    digest: str
    licence: str | None
    counts: Mapping[str, int]
    num_annotations: int
    recipe: str
    differences: Sequence[str] = ()
    removals: Mapping[str, int] = field(default_factory=dict)
    distributions: Mapping[str, Mapping[str, Mapping[str, int]]] = field(default_factory=dict)
    leaks: Mapping[str, int] = field(default_factory=dict)
    override: str | None = None
    attributions: Sequence[Attribution] = ()
    tags: Sequence[str] = ("anime", "illustration")


def render_card(facts: CardFacts) -> str:
    """The card as text, ending in a newline."""
    splits = [split for split in facts.counts if split not in ("quarantined", "removed")]
    num_images = sum(facts.counts[split] for split in splits)
    header: dict[str, Any] = {
        "pretty_name": facts.name,
        "license": facts.licence or UNKNOWN,
        "size_categories": [_size_of(num_images)],
        "tags": list(facts.tags),
        "curator": {"digest": facts.digest, "counts": dict(facts.counts), "annotations": facts.num_annotations},
    }
    lines = ["---", *(f"{key}: {_yaml(value)}" for key, value in header.items()), "---", ""]
    lines += [f"# {_cell(facts.name)}", ""]
    lines += [f"{num_images:,} images, {facts.num_annotations:,} annotations. Digest `{_code(facts.digest)}`.", ""]
    lines += ["## Splits", "", f"By the recipe `{_code(facts.recipe)}`.", ""]
    lines += _table(("split", "images"), [(split, f"{count:,}") for split, count in facts.counts.items()])
    lines += [f"- {_cell(line)}" for line in facts.differences] + [""] * bool(facts.differences)
    if facts.removals:
        lines += ["## Removed", ""]
        lines += _table(("reason", "images"), [(reason, f"{n:,}") for reason, n in sorted(facts.removals.items())])
    lines += ["## Leaks", ""]
    if facts.leaks:
        lines += _table(("splits and kind", "pairs"), [(kind, f"{n:,}") for kind, n in sorted(facts.leaks.items())])
        lines += [f"Frozen in spite of these: {_cell(facts.override or 'no reason was given')}", ""]
    else:
        lines += ["No duplicate evidence crosses the splits.", ""]
    for title, by_value in facts.distributions.items():
        rows = [(value, *(f"{counted.get(split, 0):,}" for split in splits)) for value, counted in by_value.items()]
        lines += [f"## {_cell(title)}", "", *_table((title, *splits), rows)]
    lines += ["## Attribution", ""]
    if facts.attributions:
        lines += _table(("artist", "handle", "address", "licence", "images"), _attribution_rows(facts.attributions))
    else:
        lines += ["Nothing is known of the artists.", ""]
    return "\n".join(lines)


def _attribution_rows(attributions: Sequence[Attribution]) -> list[tuple[str, ...]]:
    """By artist's name, those of unknown artists last."""
    in_order = sorted(
        attributions, key=lambda one: (one.artist is None, one.artist or "", one.handle or "", one.url or "")
    )
    return [
        (
            one.artist or UNKNOWN,
            one.handle or UNKNOWN,
            one.url or UNKNOWN,
            one.licence or UNKNOWN,
            f"{one.num_images:,}",
        )
        for one in in_order
    ]


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A Markdown table with an empty line after it."""
    lines = [titles, ["---"] * len(titles), *rows]
    written = [[cell if cell == "---" and row is lines[1] else _cell(cell) for cell in row] for row in lines]
    return [*(f"| {' | '.join(row)} |" for row in written), ""]


def _cell(text: str) -> str:
    """A stranger's text on one line, its own signs escaped; a whole http(s) address as a link."""
    text = " ".join(text.split())
    if re.fullmatch(r"https?://[^\s<>\"'|`\\]+", text):
        return f"<{text}>"
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _SPECIAL.sub(r"\\\1", text) if not re.fullmatch(r"[\w ,.:%-]*", text) or "__" in text else text


def _code(text: str) -> str:
    return " ".join(text.split()).replace("`", "'")


def _yaml(value: Any) -> str:
    """A value in YAML's flow style: JSON, except that JSON's pairs of surrogates are not YAML's."""
    written = json.dumps(value, ensure_ascii=False)
    return "".join(sign if sign.isprintable() else f"\\U{ord(sign):08x}" for sign in written)


def _size_of(num_images: int) -> str:
    return next((name for limit, name in _SIZES if num_images < limit), "n>10M")
