"""Reasons in words: what a template may say, what it says of a row, and that every feature of the served models has one."""

import csv
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
import yaml

from scorehouse.build.reason_templates import Types, templates_of, text_sql
from scorehouse.errors import ScorehouseError

ROOT = Path(__file__).resolve().parents[3]
SEED = ROOT / "seeds/configuration/reason_templates.csv"
TYPES = {
    "recency_days": "bigint",
    "share": "double",
    "log_share": "double",
    "is_night": "boolean",
    "country": "varchar",
    "customer_id": "varchar",
}
NUMBER = (ROOT / "udfs/readable_number.sql").read_text()


def rows(*templates: str, feature: str = "recency_days", direction: str = "either") -> list[dict[str, object]]:
    return [
        {"feature": feature, "direction": direction, "place": place, "template": text}
        for place, text in enumerate(templates, start=1)
    ]


def told(of: list[dict[str, object]], reasons: str, row: str, types: Types = TYPES) -> str | None:
    """What is said of `reasons`, pairs of a feature and a contribution, over one row of a relation `snapshots`."""
    text = text_sql(templates_of(of, {"mine": types}, "mine.csv"), types, "snapshots", "readable_number")
    with duckdb.connect() as connection:
        connection.execute(f"create macro readable_number(value) as {NUMBER}")
        pairs = f"list_transform({reasons}, lambda pair: {{'feature': pair[1], 'contribution': cast(pair[2] as double)}})"
        query = f"select {text} from (select {pairs} as reasons) as scored cross join (select {row}) as snapshots"
        return connection.execute(query).fetchone()[0]


ROW = "85 as recency_days, 0.034 as share, ln(0.034) as log_share, true as is_night, 'NO' as country, 'x' as customer_id"
RAISED, LOWERED = "[['recency_days', '0.5']]", "[['recency_days', '-0.5']]"


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("silent for {recency_days:day|days}", "silent for 85 days"),
        ("{share:percent} came back", "3.4% came back"),
        ("{log_share:exp_percent} came back", "3.4% came back"),
        ("{share}, {country}", "0.034, NO"),
        ("at night: {is_night}; it's 'so'", "at night: yes; it's 'so'"),
        ("of no column", "of no column"),
    ],
)
def test_a_template_shows_the_rows_values(template: str, said: str) -> None:
    assert told(rows(template), RAISED, ROW) == said


def test_a_word_follows_its_number() -> None:
    assert told(rows("{recency_days:day|days} ago"), RAISED, ROW.replace("85", "1")) == "1 day ago"
    assert told(rows("{share:gap|gaps} ago"), RAISED, ROW.replace("0.034", "1.02")) == "1 gap ago"


def test_the_first_template_is_taken_whose_values_are_known() -> None:
    of = rows("{share} of {recency_days}", "{recency_days} alone")
    assert told(of, RAISED, ROW) == "0.034 of 85"
    for unknown in ("cast(null as double) as share", "cast('nan' as double) as share"):
        assert told(of, RAISED, ROW.replace("0.034 as share", unknown)) == "85 alone"


def test_a_template_of_one_direction_speaks_for_itself() -> None:
    of = [*rows("late", direction="raises"), *rows("in time", direction="lowers"), *rows("{recency_days} days")]
    assert (told(of, RAISED, ROW), told(of, LOWERED, ROW)) == ("late", "in time")
    assert told(of[2:], LOWERED, ROW) == "85 days (lowers the score)"


def test_without_a_template_the_features_name_and_value_are_told() -> None:
    reasons = "[['share', '0.5'], ['recency_days', '-0.4'], ['is_night', '0.3']]"
    row = ROW.replace("0.034 as share", "cast(null as double) as share")
    assert told([], reasons, row) == "share unknown; recency days 85 (lowers the score); is night yes"


def test_a_text_is_told_by_a_template_alone() -> None:
    assert told([], "[['customer_id', '0.5'], ['share*country', '0.4']]", ROW) == "customer id; share with country"
    assert "customer_id" not in text_sql([], TYPES, "snapshots", "readable_number")
    assert told(rows("from {country}", feature="country"), "[['country', '0.5']]", ROW) == "from NO"


@pytest.mark.parametrize(("first", "second"), [("0.5", "0.4"), ("0.5", "-0.4"), ("-0.5", "-0.4")])
def test_two_features_that_say_the_same_say_it_once(first: str, second: str) -> None:
    of = [*rows("bought {recency_days} days ago"), *rows("bought {recency_days} days ago", feature="share")]
    reasons = f"[['recency_days', '{first}'], ['is_night', '0.5'], ['share', '{second}']]"
    ending = " (lowers the score)" if first.startswith("-") else ""
    assert told(of, reasons, ROW) == f"bought 85 days ago{ending}; is night yes"


def test_what_moved_nothing_is_not_told() -> None:
    assert told([], "[['share', '0.5'], ['recency_days', '0'], ['is_night', null]]", ROW) == "share 0.034"
    assert told([], "[['share', '0']]", ROW) is None
    assert told([], "cast([] as varchar[][])", ROW) is None
    assert told([], "cast(null as varchar[][])", ROW) is None


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("85", "85"),
        ("21535.9", "21536"),
        ("20.304", "20"),
        ("9.96", "10"),
        ("2.04", "2"),
        ("2.46", "2.5"),
        ("0.384", "0.38"),
        ("0.0433", "0.043"),
        ("0.0001", "0"),
        ("-0.0001", "0"),
        ("-12.7", "-13"),
        ("0", "0"),
        ("null", None),
    ],
)
def test_a_number_has_as_many_digits_as_a_reader_needs(number: str, text: str | None) -> None:
    with duckdb.connect() as connection:
        assert connection.execute(f"select {NUMBER} from (select cast({number} as double) as value)").fetchone() == (text,)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"direction": "up"}, "direction: expected raises or lowers or either, found 'up'; choose one."),
        ({"place": None}, "place: expected a whole number from 1, found ''; correct it."),
        ({"place": 0}, "place: expected a whole number from 1, found '0'; correct it."),
        ({"template": None}, "template: expected words, found an empty cell; write them, or remove the row."),
        (
            {"template": "last {recency_days"},
            "template: expected each column in braces of its own, such as {recency_days}, found 'last {recency_days'; close or"
            " remove the brace.",
        ),
        ({"template": "{{recency_days}}"}, "template: expected each column in braces of its own"),
        (
            {"template": "{recency_days:.2f}"},
            "template: expected {column}, {column:percent}, {column:exp_percent} or {column:day|days}, found",
        ),
        (
            {"template": "{}"},
            "template: expected {column}, {column:percent}, {column:exp_percent} or {column:day|days}, found '{}'; write one of"
            " them.",
        ),
        (
            {"template": "{recency}"},
            "template: expected columns of mine (country, customer_id, is_night, log_share, recency_days, share), found "
            "'recency'; correct it.",
        ),
        (
            {"template": "{is_night:percent}"},
            "template: expected a number before ':percent', found is_night, which is boolean; write {is_night}.",
        ),
        (
            {"feature": "recency"},
            "feature: expected a column of a model in models/features (mine), found 'recency'; correct it, or remove the row.",
        ),
    ],
)
def test_a_wrong_template_is_refused_in_one_sentence_that_names_its_line(changed: dict[str, object], said: str) -> None:
    wrong = [*rows("right"), {**rows("right")[0], **changed}]
    with pytest.raises(ScorehouseError) as refused:
        templates_of(wrong, {"mine": TYPES}, "mine.csv")
    assert str(refused.value).startswith(f"mine.csv, line 3: {said}")
    assert "\n" not in str(refused.value)


def test_a_template_is_of_any_model_that_has_its_columns() -> None:
    other = {"recency_days": "bigint", "gap": "double"}
    of = templates_of(rows("{gap}", "{recency_days} days"), {"mine": TYPES, "other": other}, "mine.csv")
    assert "gap" not in text_sql(of, TYPES, "snapshots", "readable_number")
    assert 'snapshots."gap"' in text_sql(of, other, "snapshots", "readable_number")


def features_of(*products: str) -> Iterator[str]:
    """The features that the fitted models of some products declare, and those that the rules of fraud read."""
    for product in products:
        for file in sorted((ROOT / "models/learning" / product).glob("*.yml")):
            for model in yaml.safe_load(file.read_text())["models"]:
                for names in model.get("config", {}).get("meta", {}).get("features", {}).values():
                    yield from names
    with open(ROOT / "seeds/configuration/fraud_rules.csv", newline="") as file:
        yield from (row["feature"] for row in csv.DictReader(file) if row["feature"])


def test_every_feature_of_the_churn_and_fraud_models_has_a_template_for_either_direction() -> None:
    with open(SEED, newline="") as file:
        given = {row["feature"] for row in csv.DictReader(file) if row["direction"] == "either"}
    asked = set(features_of("churn", "fraud"))
    assert len(asked) > 40
    assert asked - given == set()
