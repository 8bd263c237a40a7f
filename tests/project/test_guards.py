"""What a macro says of arguments that it cannot use: what, where, expected, found, what to do."""

import re

import pytest

from project.harness import REPOSITORY, Project

ASKED = {  # a use of the macro that is wrong -> what it says
    "score(none)": "score(): model: expected the name of a fitted model, found none; correct it.",
    "scored('churn__logistic', 'customer_id')": (
        "scored(): columns: expected a list of column names, found 'customer_id'; write ['customer_id']."
    ),
    "reasons(['mine'])": "reasons(): model: expected the name of a fitted model, found '['mine']'; correct it.",
    "reason_text('')": "reason_text(): model: expected a text, found ''; write one.",
    "reason_text('weighted', row='a b')": (
        "reason_text(): row: expected a CTE's name or a relation, found 'a b'; write 'name' or ref('name')."
    ),
    "model_version('')": "model_version(): model: expected the name of a fitted model, found ''; correct it.",
    "weights_of('weighted', 'similarity')": (
        "weights_of(): model: expected the name of a fitted model (the project has none), found 'weighted'; correct it, or"
        " declare {materialized: fitted, meta: {estimator: ...}} in the .yml beside models/features/weighted.sql."
    ),
    "recommended('a model', 'popular', 'mine')": "recommended(): model: expected the name of a fitted model, found 'a model'",
    "item_popularities('a model')": "item_popularities(): model: expected the name of a fitted model, found 'a model'",
    "fitted_version('weighted')": "fitted_version(): relation: expected a relation, found 'weighted'; write ref('weighted').",
    "off_policy_values('log', 'policies', on='slot')": (
        "off_policy_values(): on: expected a list of column names, found 'slot'; write ['slot']."
    ),
    "off_policy_values(3, 'policies', on=[])": (
        "off_policy_values(): logged: expected a CTE's name or a relation, found '3'; write 'name' or ref('name')."
    ),
    "windows_before('a b')": "windows_before(): key: expected the name of a column, found 'a b'; correct it.",
    "segment_number('centres', this)": "segment_number(): centres: expected a relation, found 'centres'; write ref('centres').",
    "rule_conditions('rules', 'segment', over=ref('weighted'))": "rule_conditions(): rules: expected a relation, found 'rules'",
    "served_before(ref('scores'), ref('weighted'), [])": (
        "served_before(): columns: expected a list of column names, found '[]'; list them."
    ),
    "coupon_decisions('candidates', within='as_of')": (
        "coupon_decisions(): within: expected a list of column names, found 'as_of'; write ['as_of']."
    ),
    "best_items('candidates', per='customer_id')": "best_items(): per: expected a list of column names, found 'customer_id'",
    "most_routed('churn_risk', [])": "most_routed(): implementations: expected a list of texts, found '[]'; list them.",
    "route_shares('')": "route_shares(): endpoint: expected a text, found ''; write one.",
    "share_bounds('share', 'row count')": "share_bounds(): row_count: expected the name of a column, found 'row count'",
    "normal_bounds('effect - 1', 'error')": "normal_bounds(): estimate: expected the name of a column, found 'effect - 1'",
    "judged('shops')": "judged(): table: expected items or customers or labels, found 'shops'; choose one.",
    "served_version('weighted', '')": "served_version(): implementation: expected a text, found ''; write one.",
    "held_out_scores('weighted')": (
        "held_out_scores(): one: expected what monitored() gives, found 'weighted'; loop over monitored()."
    ),
    "stability_index('bins', by='period_at')": (
        "stability_index(): by: expected a list of column names, found 'period_at'; write ['period_at']."
    ),
    "ranks_by('-score', 'model')": "ranks_by(): score: expected the name of a column, found '-score'; correct it.",
    "exact_size(none)": "exact_size(): value: expected a text, found none; write one.",
    "exact_sum('x', size='y / 2')": "exact_sum(): size: expected the name of a column, found 'y / 2'; correct it.",
    "uniform_draw('x', 3)": "uniform_draw(): name: expected a text, found '3'; write one.",
    "normal_draw('', 'y')": "normal_draw(): key: expected a text, found ''; write one.",
}
MACRO = re.compile(r"\{% macro ([a-z]\w*)\(\w.*?\) -?%\}\n(.*)")
BY_ITS_CALLERS = {
    "generate_schema_name",
    "scorehouse",
    "settled",
    "stored_model",
    "finish_run",
}  # dbt, and the project's own macros
BY_PYTHON = {"history", "routed"}


@pytest.mark.parametrize("use", ASKED)
def test_a_wrong_argument_is_named_before_anything_is_made_of_it(tiny_template: Project, use: str) -> None:
    outcome = tiny_template.dbt("compile", "--inline", f"select {{{{ {use} }}}}")
    assert not outcome.is_green
    assert ASKED[use] in outcome.output, outcome.output


def test_the_refusal_names_the_models_file(tiny: Project) -> None:
    tiny.write("models/features/wrong.sql", "select {{ score('') }} as score\n")
    outcome = tiny.dbt("parse")
    assert "models/features/wrong.sql: score(): model: expected the name of a fitted model, found ''" in outcome.output


def test_every_public_macro_with_arguments_asks_first() -> None:
    texts = [file.read_text() for file in (REPOSITORY / "macros").rglob("*.sql")]
    first_lines = {name: line for text in texts for name, line in MACRO.findall(text) if not name.startswith("duckdb__")}
    assert len(first_lines) > 20
    unasked = {name for name, line in first_lines.items() if "_expect('" + name not in line and "scorehouse(" not in line}
    assert unasked - BY_ITS_CALLERS - BY_PYTHON == set()
