"""The shipped rulebook, held as a dataset paper would be: size, proportions, canonical text, every name decided."""

import json
from pathlib import Path

import pytest

from rulebook.lint import lint
from rulebook.tables import csv_to_rulebook, rulebook_to_csv
from rulebook.tag_table import read_tag_csv
from rulebook.toml_text import format_text, read_rulebook, write_rulebook
from rulebook.verdicts import overlap, stats

SHIPPED = Path(__file__).resolve().parent.parent / "rulebook" / "danbooru.toml"


@pytest.fixture(scope="module")
def text():
    return SHIPPED.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def shipped(text):
    return read_rulebook(text, SHIPPED.name)


def test_it_has_at_least_the_papers_classes_and_raw_tags(shipped):
    counted = stats(shipped)

    assert counted["classes"] >= 1062
    assert counted["raw_tags"] >= 2027
    assert set(counted["by_category"]) == {"body", "clothing", "misc"}


def test_its_categories_stand_in_about_the_papers_proportions(shipped):
    counted = stats(shipped)
    paper = {"body": 314 / 1062, "clothing": 545 / 1062, "misc": 203 / 1062}

    for category, share in paper.items():
        assert abs(counted["by_category"][category] / counted["classes"] - share) < 0.05


def test_at_least_400_classes_join_several_tags(shipped):
    assert sum(len(rule.members) >= 2 for rule in shipped.classes) >= 400


def test_formatting_it_changes_nothing(text, shipped):
    assert format_text(text) == text
    assert write_rulebook(shipped) == text


def test_toml_to_csv_to_toml_is_identical(text, shipped):
    assert write_rulebook(csv_to_rulebook(rulebook_to_csv(shipped))) == text


def test_no_tag_is_both_used_and_left_out(shipped):
    assert set(shipped.classes_of_spelling) & set(shipped.reason_of_tag) == set()


def test_lint_finds_nothing_beside_the_tag_table(shipped, shared_data):
    table = read_tag_csv((shared_data / "danbooru_tags.csv").read_text(encoding="utf-8"))

    assert lint(shipped, table) == []


def test_every_name_of_rf5_is_a_member_a_former_spelling_or_left_out_with_a_reason(shipped, shared_data):
    names = json.loads((shared_data / "rf5_class_names.json").read_text(encoding="utf-8"))

    found = overlap(shipped, names)

    assert len(names) == 5738
    assert found.undecided == ()
    assert found.raw_tags > 1207  # the paper had 1,207 of its raw tags in that list
    assert found.classes > 1032
