"""What Danbooru says of tags: tables of two ages, aliases and implications followed, a rulebook linted with them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rulebook.editing import apply_edit
from rulebook.lint import is_clean, lint
from rulebook.records import Rulebook, RuleError, exclusion, rule_class
from rulebook.resolution import Because, Relation, raw_tags_of, read_relations, resolution, why
from rulebook.tag_table import Tag, TagTable, detect_numbering, read_tag_csv, read_tag_lines, renames_between
from rulebook.verdicts import overlap, stats, verdict

TABLE = """\
name,category,post_count,aliases
1girl,0,600,"1girls,sole_female"
solo,0,500,
touhou,3,90,
hatsune_miku,4,80,miku
highres,5,700,
cat_ears,0,60,"nekomimi,neko_ears"
">_<",0,5,
\\m/,0,3,
"say_""hi""!",0,2,
"""


def table(**counts: int) -> TagTable:
    tags = {"hat": 9, "beret": 4, "cap": 3, "tail": 8} | counts
    return TagTable({name: Tag(name, "general", count) for name, count in tags.items()}, {"hats": "hat"})


def codes(findings) -> list[str]:
    return [one.code for one in findings]


# --- the table --------------------------------------------------------------------------------------------------------


def test_a_table_is_read_with_odd_names_aliases_and_categories():
    read = read_tag_csv(TABLE)

    assert read.tags["1girl"] == Tag("1girl", "general", 600)
    assert read.tags["hatsune_miku"].category == "character"
    assert {">_<", "\\m/", 'say_"hi"!'} <= set(read.tags)
    assert read.aliases["nekomimi"] == "cat_ears"
    assert read.category_of("neko_ears") == "general"
    assert read.category_of("nobody") == "unknown"


def test_the_first_line_may_be_missing():
    assert read_tag_csv(TABLE.split("\n", 1)[1]).tags == read_tag_csv(TABLE).tags


def test_a_bad_row_is_named_and_the_rest_is_read():
    read = read_tag_csv(TABLE + "a b,0,1,\nhat,0,many,\nhat\n1girl,0,5,\n")

    assert len(read) == 9
    lines = ["tags: line 11", "tags: line 12", "tags: line 13", "tags: tag '1girl'"]
    assert [one.record for one in read.refused] == lines


def test_an_alias_of_two_tags_or_of_a_current_name_decides_nothing():
    read = read_tag_csv(TABLE + 'hat,0,1,"headgear,cap"\nhelmet,0,1,headgear\ncap,0,1,\n')

    assert read.unclear_aliases == ("cap", "headgear")
    assert "cap" not in read.aliases


def test_another_sites_numbers_are_told_by_its_tags():
    numbers = {"1girl": 0, "touhou": 3, "hatsune_miku": 4, "highres": 7, "somebody": 1}

    assert detect_numbering(numbers) == {0: "general", 3: "copyright", 4: "character", 7: "meta"}


def test_danboorus_numbers_are_taken_whole_once_three_are_told():
    assert detect_numbering({"1girl": 0, "touhou": 3, "highres": 5})[1] == "artist"


@pytest.mark.parametrize(
    "numbers", [{"hat": 0}, {"1girl": 0}, {"1girl": 0, "highres": 0}], ids=["no anchor", "one", "two in one"]
)
def test_numbers_that_nobody_can_tell_are_asked_for(numbers):
    with pytest.raises(RuleError, match="numbering that is given"):
        detect_numbering(numbers)


def test_numbers_that_are_given_are_believed():
    read = read_tag_csv("hat,9,1,\n", numbering={9: "general"})

    assert read.tags["hat"].category == "general"


def test_a_table_in_json_lines_knows_deprecation():
    lines = [
        {"name": "hat", "category": 0, "post_count": "4", "is_deprecated": True},
        {"name": "1girl", "category": 0, "post_count": 4},
        {"category": 0},
        {"name": "highres", "category": 5, "post_count": 4},
    ]
    read = read_tag_lines([json.dumps(line) for line in lines] + ["[]", "{"])

    assert read.tags["hat"] == Tag("hat", "general", 4, True)
    assert [one.record for one in read.refused] == ["tags: line 3", "tags: line 5", "tags: line 6"]


def test_every_rename_between_two_ages_is_listed():
    older = TagTable({name: Tag(name, "general") for name in ("bangs", "silver_hair", "hat")})
    newer = TagTable({name: Tag(name, "general") for name in ("grey_hair", "hat", "cap")}, {"silver_hair": "grey_hair"})

    found = renames_between(older, newer)

    assert (found.renamed, found.gone, found.new) == ((("silver_hair", "grey_hair"),), ("bangs",), ("cap",))


def test_the_real_table_is_read_whole(shared_data):
    read = read_tag_csv((shared_data / "danbooru_tags.csv").read_text(encoding="utf-8"), date="2025")

    assert len(read) == 20246
    assert read.refused == ()
    assert read.tags["1girl"] == Tag("1girl", "general", 6008644)
    assert read.aliases["hair_tucking"] in read.tags
    names = json.loads((shared_data / "rf5_class_names.json").read_text(encoding="utf-8"))
    assert sum(name in read for name in names) == 4306
    assert sum(name not in read and (name in read.aliases or name in read.unclear_aliases) for name in names) == 530


# --- aliases and implications -----------------------------------------------------------------------------------------


def _relations():
    return resolution(
        [Relation("nekomimi", "cat_ears"), Relation("neko", "nekomimi")],
        [Relation("cat_ears", "animal_ears"), Relation("animal_ears", "ears"), Relation("fox_ears", "animal_ears")],
    )


def test_chains_are_followed_to_their_end():
    relations = _relations()

    assert relations.current("neko") == "cat_ears"
    assert relations.resolve("neko") == {"neko", "cat_ears", "animal_ears", "ears"}
    assert relations.sources("animal_ears") == ("animal_ears", "cat_ears", "fox_ears", "neko", "nekomimi")
    assert relations.path("neko", "ears") == ("neko", "cat_ears", "animal_ears", "ears")


def test_loops_are_reported_and_end_nothing():
    relations = resolution(
        [Relation("b", "a"), Relation("a", "b"), Relation("x", "a"), Relation("self", "self")],
        [Relation("p", "q"), Relation("q", "p"), Relation("q", "r")],
    )

    assert relations.alias_loops == (("a", "b"), ("self",))
    assert relations.implication_loops == (("p", "q"),)
    assert relations.current("x") == "x"
    assert relations.resolve("p") == {"p", "q", "r"} == relations.resolve("q")


def test_an_alias_of_two_names_is_followed_nowhere():
    relations = resolution([Relation("a", "b"), Relation("a", "c")])

    assert (relations.ambiguous, relations.current("a")) == (("a",), "a")


def test_only_active_rows_count_and_odd_ones_are_named():
    lines = [
        '{"antecedent_name": "a", "consequent_name": "b", "status": "active"}',
        '{"antecedent_name": "a", "consequent_name": "c", "status": "retired"}',
        '{"antecedent_name": "a", "consequent_name": "c", "status": "pending"}',
        '{"antecedent_name": "a", "consequent_name": "c"}',
        '{"antecedent_name": "a", "status": "active"}',
        "{",
    ]
    relations, refused = read_relations(lines)

    assert relations == (Relation("a", "b"),)
    assert [one.record for one in refused] == [f"relations: line {k}" for k in (4, 5, 6)]


def test_why_names_the_raw_tag_and_the_way():
    rule = rule_class("test", "ears", "body", ["animal_ears", "dog_ears"], formerly=["kemonomimi"])

    answer = why(["solo", "dog_ears", "kemonomimi", "neko", "cat_ears"], rule, _relations())

    assert answer == (
        Because("dog_ears", "member", ("dog_ears",)),
        Because("kemonomimi", "former spelling", ("kemonomimi",)),
        Because("neko", "implication", ("neko", "cat_ears", "animal_ears")),
        Because("cat_ears", "implication", ("cat_ears", "animal_ears")),
    )
    assert why(["nekomimi"], rule_class("test", "c", "body", ["cat_ears"]), _relations())[0].how == "alias"
    assert why(["solo"], rule, _relations()) == ()


NAMES = st.sampled_from("abcdefgh")
RELATIONS = st.lists(st.builds(Relation, NAMES, NAMES), max_size=12)


@given(RELATIONS, RELATIONS, st.lists(NAMES, max_size=3), st.lists(NAMES, max_size=4))
def test_a_post_is_in_a_class_exactly_where_there_is_a_why(aliases, implications, members, tags):
    relations = resolution(aliases, implications)
    rule = rule_class("test", "c", "misc", members)

    is_positive = bool(set(tags) & set(raw_tags_of(rule, relations)))

    assert bool(why(tags, rule, relations)) == is_positive
    for because in why(tags, rule, relations):
        assert because.path[0] == because.raw_tag
        assert because.path[-1] in rule.spellings


# --- lint -------------------------------------------------------------------------------------------------------------


def test_a_good_rulebook_is_clean():
    good = Rulebook((one("hats", ["hat", "beret"], category="clothing"), one("t", ["tail"], category="body")))

    assert lint(good, table()) == []


def one(name="c", members=(), **fields):
    return rule_class("test", name, fields.pop("category", "misc"), members, **fields)


@pytest.mark.parametrize(
    ("classes", "code"),
    [
        ([one("a", ["hat"]), one("a", ["tail"])], "R101"),
        ([one("a", ["hat"], shared=True), one("b", ["hat"])], "R102"),
        ([one()], "R103"),
        ([one("a", ["hatt"])], "R104"),
        ([one("a", ["hats"])], "R105"),
        ([one("a", ["old"])], "R106"),
        ([one("a", ["hat", "cap"]), one("b", ["hat", "tail"])], "R107"),
        ([one("a", ["beret"], family="f"), one("b", ["hat"], family="f")], "R108"),
        ([one("a", ["highres"])], "R109"),
        ([one("a", ["alternate_hat"])], "R109"),
        ([one("a", ["cap"])], "R110"),
        ([one("a", ["tail"], formerly=["hat"])], "R111"),
        ([one("a", ["tail"], formerly=["hats"]), one("b", ["hat"])], "R112"),
        ([one("a", ["tail"], family="f")], "R113"),
        ([one("a", ["tail"], family="f"), one("b", ["hat"], family="f", category="body")], "R114"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_lint_knows_what_is_wrong(classes, code):
    tags = table().tags | {
        "old": Tag("old", "general", 1, True),
        "highres": Tag("highres", "meta", 1),
        "alternate_hat": Tag("alternate_hat", "general", 1),
    }
    relations = resolution([Relation("hats", "hat")], [Relation("beret", "hat")])
    book = Rulebook(tuple(classes), (exclusion("test", "subjective", ["cap"]),) if code == "R110" else ())

    found = lint(book, TagTable(tags), relations)

    assert codes(found) == [code]
    assert not is_clean(found)


@pytest.mark.parametrize("code", ["R102", "R103", "R104", "R105", "R107", "R111", "R112"])
def test_a_fix_mends_what_it_is_offered_for(code):
    books = {
        "R102": [one("a", ["hat"], shared=True), one("b", ["hat"])],
        "R103": [one("a"), one("b", ["hat"])],
        "R104": [one("a", ["hatt", "hat"])],
        "R105": [one("a", ["hats"])],
        "R107": [one("a", ["hat", "cap"]), one("b", ["hat", "tail"])],
        "R111": [one("a", ["tail"], formerly=["hat"])],
        "R112": [one("a", ["tail"], formerly=["hats"]), one("b", ["hat"])],
    }
    book = Rulebook(tuple(books[code]))

    (finding,) = lint(book, table())
    assert finding.code == code
    assert finding.fix is not None
    assert json.dumps(finding.to_json())

    assert lint(apply_edit(book, finding.fix).rulebook, table()) == []


def test_a_shared_tag_that_is_declared_is_fine():
    umbrella = Rulebook((one("any hat", ["hat", "beret"], shared=True), one("beret", ["beret"])))

    assert lint(umbrella, table()) == []


# --- verdicts ---------------------------------------------------------------------------------------------------------


def test_every_name_gets_its_verdict():
    book = Rulebook(
        (one("a", ["hat", "beret"], formerly=["hats"]), one("b", ["tail"])), (exclusion("test", "meta", ["highres"]),)
    )

    assert [verdict(book, name).decision for name in ("hat", "hats", "highres", "cap")] == [
        "member",
        "formerly",
        "excluded",
        "undecided",
    ]
    found = overlap(book, ["hat", "hats", "highres", "cap"])
    assert found.counts == {"member": 1, "formerly": 1, "excluded": 1, "undecided": 1}
    assert (found.raw_tags, found.classes, found.undecided) == (2, 1, ("cap",))
    said = stats(book)
    assert (said["classes"], said["raw_tags"], said["excluded"]) == (2, 3, {"meta": 1})
    assert said["by_category"] == {"body": 0, "clothing": 0, "misc": 2}
