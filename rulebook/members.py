"""What each member brings to its class, and which tags might join it: the numbers of the editor's page.

A member's posts are those of its name, its aliases and whatever implies it. Its unique gain is the posts that the class
would lose without it. Suggestions come with the reason: tags beside the members more often than chance, similar names,
older or implying names, and frequent tags that no class has claimed.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from pyroaring import BitMap

from rulebook.bitmaps import bitmap_of_rows, rows_of, union
from rulebook.filters import Facts
from rulebook.post_index import PostIndex
from rulebook.records import Rulebook, RuleClass

# A class of more posts is looked at through so many of them, evenly spaced.
SAMPLE_POSTS: Final = 20_000
MIN_SUPPORT: Final = 5


@dataclass(frozen=True)
class Member:
    """One spelling of a class, in numbers."""

    tag: str
    is_former: bool
    count: int  # posts that it makes positive
    coverage: float  # of the class's posts
    overlap: float  # of its own posts, those that another member has as well
    unique: BitMap  # posts that only it brings

    @property
    def unique_gain(self) -> int:
        """How many posts the class would lose without it."""
        return len(self.unique)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A raw tag that might join a class."""

    tag: str
    why: str  # "beside", "similar name", "alias", "implication" or "unclaimed"
    count: int
    score: float  # within its kind, greater is likelier


def member_posts(index: PostIndex, tag: str, facts: Facts) -> BitMap:
    """The posts that one spelling makes positive."""
    return union([index.posting(raw) for raw in facts.relations.sources(tag) if raw in index.tag_ids])


def members_of(index: PostIndex, rule: RuleClass, facts: Facts | None = None) -> tuple[Member, ...]:
    """Every spelling of a class in numbers, members first."""
    facts = facts or Facts()
    posts = [member_posts(index, tag, facts) for tag in rule.spellings]
    whole = union(posts)
    before = [BitMap()]
    for one in posts:
        before.append(before[-1] | one)
    behind = BitMap()
    uniques: list[BitMap] = []
    for k in range(len(posts) - 1, -1, -1):
        uniques.append(posts[k] - before[k] - behind)
        behind = behind | posts[k]
    return tuple(
        Member(
            tag,
            tag not in rule.members,
            len(one),
            len(one) / len(whole) if whole else 0.0,
            1 - len(unique) / len(one) if one else 0.0,
            unique,
        )
        for tag, one, unique in zip(rule.spellings, posts, reversed(uniques), strict=True)
    )


def sampled(posts: BitMap, most: int = SAMPLE_POSTS) -> BitMap:
    """At most so many of these posts, evenly spaced among them."""
    if len(posts) <= most:
        return posts
    rows = rows_of(posts)
    return bitmap_of_rows(rows[np.arange(most) * len(rows) // most])


def suggestions(
    index: PostIndex, rulebook: Rulebook, rule: RuleClass, facts: Facts | None = None, most: int = 12
) -> tuple[Suggestion, ...]:
    """Tags that might join a class: at most so many of each kind, likeliest first."""
    facts = facts or Facts()
    own = set(rule.spellings)
    found = [*_by_relation(index, rule, facts), *_similar(index, rule, most), *_beside(index, rule, facts, most)]
    claimed = rulebook.classes_of_spelling
    decided = claimed.keys() | rulebook.reason_of_tag.keys()
    open_tags = (tag for tag in index.tags if tag not in decided and index.categories.get(tag, "general") == "general")
    unclaimed = ((tag, index.count(tag)) for tag in open_tags)
    top = sorted(unclaimed, key=lambda pair: (-pair[1], pair[0]))[:most]
    found += [Suggestion(tag, "unclaimed", count, float(count)) for tag, count in top]
    kept: dict[str, Suggestion] = {}
    for one in found:
        if one.tag not in own:
            kept.setdefault(one.tag, one)
    return tuple(kept.values())


def _by_relation(index: PostIndex, rule: RuleClass, facts: Facts) -> Iterable[Suggestion]:
    for name in rule.spellings:
        for raw in facts.relations.sources(name)[1:]:
            why = "alias" if facts.relations.current(raw) == name else "implication"
            yield Suggestion(raw, why, index.count(raw), float(index.count(raw)))


def _similar(index: PostIndex, rule: RuleClass, most: int) -> list[Suggestion]:
    scored: dict[str, float] = {}
    for member in rule.members:
        words = set(member.split("_"))
        near = [tag for tag in index.tags if words & set(tag.split("_"))]
        for tag in difflib.get_close_matches(member, near, n=most, cutoff=0.6):
            score = difflib.SequenceMatcher(None, member, tag).ratio()
            scored[tag] = max(score, scored.get(tag, 0.0))
    top = sorted((tag for tag in scored if tag not in rule.spellings), key=lambda tag: (-scored[tag], tag))[:most]
    return [Suggestion(tag, "similar name", index.count(tag), scored[tag]) for tag in top]


def _beside(index: PostIndex, rule: RuleClass, facts: Facts, most: int) -> list[Suggestion]:
    """By lift: how many times more often than among all posts a tag stands beside the class."""
    sample = sampled(union([member_posts(index, tag, facts) for tag in rule.spellings]))
    if not sample:
        return []
    scored = []
    for tag, posting in zip(index.tags, index.postings, strict=True):
        both = posting.intersection_cardinality(sample)
        if both >= MIN_SUPPORT and tag not in rule.spellings:
            lift = both * len(index) / (len(sample) * len(posting))
            scored.append(Suggestion(tag, "beside", len(posting), lift))
    return sorted(scored, key=lambda one: (-one.score, one.tag))[:most]
