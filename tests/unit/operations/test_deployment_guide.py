"""The deployment guide as it is read: from the first rule to the last."""

import csv
import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from project.harness import REPOSITORY
from scorehouse.build.requirements import GRADED, NAMED_LEVELS

SEEDS = REPOSITORY / "seeds" / "operations"
Level = dict[str, str]


def rows(seed: str) -> list[dict[str, str]]:
    with open(SEEDS / f"{seed}.csv", newline="") as file:
        return list(csv.DictReader(file))


def levels(requirement: str) -> list[dict[str, str]]:
    return [row for row in rows("requirement_levels") if row["requirement"] == requirement]


def combinations() -> list[Level]:
    """Every combination of levels."""
    named = ([level["level"] for level in levels(requirement)] for requirement in GRADED)
    return [dict(zip(GRADED, combination, strict=True)) for combination in itertools.product(*named)]


def decided(combination: Level) -> dict[str, str]:
    """The first rule of which every condition holds, or is empty."""
    rules = sorted(rows("deployment_guide"), key=lambda rule: int(rule["place"]))
    return next(rule for rule in rules if all(rule[name] in ("", level) for name, level in combination.items()))


def test_every_combination_of_levels_has_a_deployment_and_every_rule_decides_one() -> None:
    assert len(combinations()) == 3 * 4 * 3 * 4 * 2
    deciding = {decided(combination)["place"] for combination in combinations()}
    assert deciding == {rule["place"] for rule in rows("deployment_guide")}


@given(number=st.floats(min_value=0, allow_nan=False), requirement=st.sampled_from([r for r in GRADED if r not in NAMED_LEVELS]))
def test_every_number_has_a_level(number: float, requirement: str) -> None:
    assert [level for level in levels(requirement) if float(level["minimum"]) <= number]


def test_a_function_that_forgets_is_never_chosen_where_earlier_answers_count() -> None:
    chosen = {decided(one)["deployment"] for one in combinations() if one["statefulness"] == "stateful"}
    assert "serverless function" not in chosen and {"web service", "event stream"} <= chosen


@pytest.mark.parametrize(
    ("combination", "deployment"),
    [
        ("large, constant, no hurry, event bus, stateless", "event stream"),
        ("medium, constant, in the request, web application, stateful", "web service"),
        ("medium, constant, in the request, web application, stateless", "web service"),
        ("small, constant, in the request, web application, stateless", "serverless function"),
        ("small, constant, in the request, database, stateless", "database integration"),
        ("medium, daily, in the request, web application, stateless", "pre-computed"),
        ("large, daily, in the request, web application, stateless", "web service"),
        ("medium, daily, within minutes, database, stateless", "pre-computed"),
        ("medium, daily, no hurry, files, stateless", "batch"),
        ("small, rarely, no hurry, web application, stateless", "batch"),
    ],
)
def test_what_the_guide_says_of_usual_requirements(combination: str, deployment: str) -> None:
    assert decided(dict(zip(GRADED, combination.split(", "), strict=True)))["deployment"] == deployment


def test_every_number_of_the_requirements_has_its_unit_in_its_name() -> None:
    numbers = [name for name, cell in rows("product_requirements")[0].items() if re.fullmatch(r"[\d.]+", cell)]
    units = re.compile(r".*_(rows|days|hours|ms|a_day)")
    assert len(numbers) == 6 and all(map(units.fullmatch, numbers))
