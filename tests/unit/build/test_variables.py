"""What variables may be, and which of them templates can read: never fewer than they do."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment

from scorehouse.build.variables import DEFAULTS, RULES, checked, expect_known, read_in
from scorehouse.errors import ScorehouseError

REPOSITORY = Path(__file__).resolve().parents[3]

NAMES = st.sampled_from(["weight", "use_optional"])
SPACES = st.sampled_from(["", " ", "\n"])


@st.composite
def literals(draw: st.DrawFn) -> str:
    """An expression whose value is a variable's name, written in one of the ways that Jinja knows."""
    name, quote = draw(NAMES), draw(st.sampled_from("'\""))
    at = draw(st.integers(0, len(name)))
    whole, first, second = (f"{quote}{part}{quote}" for part in (name, name[:at], name[at:]))
    ways = [whole, f"({whole})", f"{first} ~ {second}", f"{first}{second}", f"{first} + {second}", f"{whole}|lower"]
    return draw(st.sampled_from([*ways, f"({first}, {second})|join"]))


@st.composite
def templates(draw: st.DrawFn) -> str:
    """A template that reads one variable."""
    name, space = draw(literals()), draw(SPACES)
    arguments = f"{space}({space}{name}{draw(st.sampled_from(['', ', 1', ', default=1']))}{space})"
    reader = draw(
        st.sampled_from(
            [
                "{{ var@ }}",
                "{{ var@ + 1 }}",
                "{% set v = var %}{{ v@ }}",
                "{% macro read(f) %}{{ f@ }}{% endmacro %}{{ read(var) }}",
                "{{ builtins['v' ~ 'ar']@ }}",
                "{{ builtins.get('v' ~ 'ar')@ }}",
                "{{ context['v' ~ 'ar']@ }}",
                "{{ context.get('v' ~ 'ar')@ }}",
                "{% set c = context %}{{ c['v' ~ 'ar']@ }}",
                "{{ '}}' ~ context['v' ~ 'ar']@ }}",
                "{{ (context|attr('get'))('v' ~ 'ar')@ }}",
                "{% set f = flags %}{{ f.VARS[#] }}",
                "{{ flags.VARS[#] }}",
                "{{ flags['VARS'][#] }}",
                "{{ invocation_args_dict.vars[#] }}",
            ]
        )
    )
    return reader.replace("@", arguments).replace("#", name)


class _Watched(dict[str, int]):
    """Variables that remember which of them were read."""

    def __init__(self) -> None:
        super().__init__()
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> int:
        self.read.add(name)
        return 1


def actually_read(template: str) -> set[str]:
    """The names that a template asks for when Jinja renders it."""
    watched = _Watched()

    def var(name: str, default: int = 1) -> int:
        return watched[name]

    context: dict[str, Any] = {"var": var, "builtins": {"var": var}, "flags": {"VARS": watched}}
    context["invocation_args_dict"] = {"vars": watched}
    Environment().from_string(template).render(**context, context=context)
    return watched.read


@given(template=templates())
def test_no_template_reads_more_than_is_found(template: str) -> None:
    found, read = read_in([template]), actually_read(template)
    assert read
    assert found is None or read <= found


def test_the_project_names_each_variable_that_it_reads() -> None:
    folders = [REPOSITORY / name for name in ("models", "macros", "seeds", "tests", "udfs", "analyses")]
    texts = [f.read_text() for folder in folders for kind in ("sql", "yml", "md") for f in folder.rglob(f"*.{kind}")]
    assert read_in([*texts, (REPOSITORY / "dbt_project.yml").read_text()])


DECLARED = yaml.safe_load((REPOSITORY / "dbt_project.yml").read_text())["vars"]


def test_every_variable_has_a_rule_that_its_own_value_keeps() -> None:
    assert set(RULES) == set(DECLARED) >= set(DEFAULTS)
    assert checked(DECLARED) == DECLARED


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("interaction_sources", "landing"),
        ("interaction_sources", [1]),
        ("landing_path", ["mine"]),
        ("landing_columns", "id"),
        ("products", "churn"),
        ("churn_horizon_days", "soon"),
        ("churn_horizon_days", 0),
        ("ranked_items", 2.5),
        ("ranked_items", True),
        ("fraud_label_share", 95),
        ("evaluate_recommendations", "no"),
        ("interaction_grain", "week"),
        ("interaction_grain", ["month"]),
        ("promotion", []),
        ("smoothing_looks", float("nan")),
        ("store_format", "csv"),
        ("store_format", ["csv"]),
        ("nightly", 5),
    ],
)
def test_a_variable_that_cannot_be_is_refused(name: str, value: object) -> None:
    with pytest.raises(ScorehouseError, match=rf"^Variable {name}: expected .*, found .*; correct it\.$"):
        checked({name: value})


READ = ["{{ var('weight', 1) }} {{ var('shop:zone') }}"]
ANY = [*READ, "{{ var(name) }}"]


@pytest.mark.parametrize(
    ("given", "declared", "templates", "found"),
    [
        (["as_of", "weight", "shop:zone", "cap", "limit"], {"cap": 1, "shop": {"limit": 2}}, READ, None),
        (["fresh_dat"], {}, READ, "Variable fresh_dat: expected one that the project has, found no such; write fresh_data."),
        (["wweight"], {}, ANY, "Variable wweight: .*; write weight."),
        (["anything"], {}, ANY, None),
        (["anything"], {}, READ, "Variable anything: .*; correct it, leave it out, or declare it in dbt_project.yml."),
        ([], {"anything": 1, "weights": 2}, READ, None),
        ([], {"memory_limt": "4GB"}, READ, "Variable memory_limt: .*; write memory_limit."),
        ([], {"shop": {"publish_les": True}}, READ, "Variable publish_les: .*; write publish_less."),
        ([], {"fraud_label": "x"}, ["{{ var('fraud_label') }}"], None),
    ],
)
def test_a_variable_that_nobody_reads_is_refused(
    given: list[str], declared: dict[str, Any], templates: list[str], found: str | None
) -> None:
    if found is None:
        expect_known(given, declared, lambda: templates)
    else:
        with pytest.raises(ScorehouseError, match=found):
            expect_known(given, declared, lambda: templates)
