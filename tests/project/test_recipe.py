"""The recipes of CONTRIBUTING.md, followed word by word: a product, a feature, and what is refused on the way."""

import subprocess
import sys

import pytest

from project.harness import Project, copy_of_the_project

ONLY = ("--vars", "{products: [purchase_intent]}")
ENDPOINT = "purchase_intent_scores"
SERVED = f"models/serving/{ENDPOINT}"
REQUIREMENTS = "seeds/operations/product_requirements.csv"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The real project with the skeleton of a new product, built alone."""
    project = copy_of_the_project(tmp_path_factory.mktemp("recipe"))
    made = make_product(project, "purchase_intent")
    assert made.returncode == 0, made.stderr
    project.build(*ONLY)
    return project


def make_product(project: Project, *arguments: str) -> subprocess.CompletedProcess:
    """What `make product` runs."""
    command = [sys.executable, "-m", "scorehouse.skeleton", *arguments]
    return subprocess.run(command, cwd=project.root, env={"PYTHONPATH": "udfs"}, capture_output=True, text=True, check=False)


def test_a_new_product_is_served_routed_and_registered_without_another_edit(shop: Project) -> None:
    assert shop.serving("select name, product, status from endpoints") == [
        ("purchase_intent_scores", "purchase_intent", "serving")
    ]
    assert shop.serving("select count(*) > 4000, min(score) >= 0, max(score) <= 1 from purchase_intent_scores") == [(True,) * 3]
    assert shop.serving("select count(*) from purchase_intent_scores where reason_text is null") == [(0,)]
    assert shop.catalog("select endpoint, required_deployment, is_fitting, contradictions from operations.deployment_fit") == [
        (ENDPOINT, "pre-computed", True, [])
    ]
    assert shop.catalog("select model, status from registry.models") == [("purchase_intent__logistic", "ready")]
    assert shop.catalog("select implementation, status from registry.model_gates") == [
        ("purchase_intent_scores__logistic", "accepted")
    ]
    watched = "select distinct implementation, measure from monitoring.signals where measure in ('feature_stability', 'lead')"
    assert sorted(shop.catalog(watched)) == [
        ("purchase_intent_scores__logistic", "feature_stability"),
        ("purchase_intent_scores__logistic", "lead"),
    ]


def test_a_feature_is_the_snapshots_two_files_and_the_declaration_that_uses_it(shop: Project) -> None:
    shop.replace(
        "models/features/customer_snapshots.sql",
        "        purchases.tenure_days,\n",
        "        purchases.tenure_days,\n        purchases.tenure_days / 7.0 as tenure_weeks,\n",
    )
    shop.replace(
        "models/features/customer_snapshots.yml",
        "      - name: purchase_day_count\n",
        "      - name: tenure_weeks\n        description: Weeks since the first purchase day.\n        data_type: double\n"
        "      - name: purchase_day_count\n",
    )
    shop.replace(
        "models/learning/purchase_intent/purchase_intent__logistic.yml", "[recency_days, ", "[tenure_weeks, recency_days, "
    )
    shop.build(*ONLY, branch="feature")
    known = "select count(*) from registry.feature_statistics where feature = 'tenure_weeks' and is_current"
    assert shop.catalog(known, branch="feature") == [(1,)]


SCORES = "models/scores/purchase_intent_scores__logistic.yml"
BASELINE = "baseline: {name: recency alone, score: -recency_days}"
RETAIL = "models/staging/retail/_retail__sources.yml"
TEMPLATES = "seeds/configuration/reason_templates.csv"
WRONG = [
    [
        (
            f"{SERVED}.yml",
            "key: [customer_id]",
            "key: customer_id",
            "meta.endpoint.key: expected the columns that identify a row",
        ),
        (SCORES, "examples: purchase_intent_examples", "examples: purchase_examples", "found 'purchase_examples'"),
        (SCORES, BASELINE, "baseline: recency_days", "baseline: expected the name of another implementation"),
        ("seeds/configuration/routes.csv", "churn_risk,", "churn_rsk,", "column endpoint: expected a served table"),
        ("seeds/configuration/retrain_policy.csv", "segments__kmeans,", "segments_kmeans,", "expected a fitted model"),
        (TEMPLATES, "{mean_gap_days}", "{mean_gaps}", "line 2: template: expected columns of customer_snapshots (activity, "),
        (REQUIREMENTS, "30,24,10000,stateless", "30,24,10000,", "column statefulness: expected a level of requirement_levels"),
        ("seeds/operations/deployment_guide.csv", "event bus", "bus", "expected a level of requirement_levels, or nothing"),
    ],
    [
        (f"{SERVED}.yml", "type: score", "type: scores", "meta.endpoint.type: expected one of score, rank, segment, choose"),
        (
            SCORES,
            "model: purchase_intent__logistic",
            "model: customer_snapshots",
            "expected a fitted model, found customer_snapshots",
        ),
        (
            f"{SERVED}.yml",
            "contract_version: 1",
            "contract_version: one, desicion: x",
            "meta.endpoint.contract_version: expected a whole number from 1, found 'one'",
        ),
        (f"{SERVED}.yml", "desicion", "descision", "meta.endpoint: expected decision, found 'descision'; correct its name."),
        (RETAIL, "required: true", "requires: true", "meta: expected required, found 'requires'; correct its name."),
        (REQUIREMENTS, f"{ENDPOINT},", "other,", f"expected a row for each served table, found none for {ENDPOINT}"),
    ],
    [
        (
            f"{SERVED}.yml",
            "        endpoint: {type: score, key: [customer_id], contract_version: 1}\n",
            "",
            "expected meta: {endpoint: ",
        ),
        (SCORES, BASELINE, "baseline: churn_risk__recency", "found churn_risk__recency with another label"),
        (REQUIREMENTS, "churn_risk,", "other,", "column endpoint: expected a served table"),
    ],
]


@pytest.mark.parametrize("edits", WRONG)
def test_what_would_not_be_served_is_refused_with_what_to_add(shop: Project, edits: list[tuple[str, str, str, str]]) -> None:
    """All of it at once, before anything is built."""
    before = {path: (shop.root / path).read_text() for path, *_ in edits}
    for path, old, new, _ in edits:
        shop.replace(path, old, new)
    outcome = shop.dbt("build", branch="refused")
    for path, text in before.items():
        shop.write(path, text)
    assert not outcome.is_green
    for *_, sentence in edits:
        assert sentence in outcome.output, outcome.output


def test_an_endpoint_without_a_reader_is_named(shop: Project) -> None:
    text = (shop.root / f"{SERVED}.yml").read_text()
    shop.write(f"{SERVED}.yml", text[: text.index("exposures:")])
    outcome = shop.build(*ONLY, branch="unread")
    shop.write(f"{SERVED}.yml", text)
    assert "No exposure says who reads purchase_intent_scores: add one" in outcome.output


def test_a_skeleton_overwrites_nothing_and_says_what_a_name_may_be(shop: Project) -> None:
    for arguments, sentence in (
        (["purchase_intent"], "expected a product that is new, found purchase_intent, which the project has"),
        (["Purchase Intent"], "NAME: expected lower-case words joined by _, such as purchase_intent, found 'Purchase Intent'"),
        (["other", "planet"], "ENTITY: expected one of customer, found 'planet'"),
    ):
        refused = make_product(shop, *arguments)
        assert refused.returncode == 1
        assert sentence in refused.stderr


def test_what_is_served_is_not_withdrawn_by_leaving_products_out(shop: Project) -> None:
    outcome = shop.dbt("build", "--vars", "{products: [segments]}")
    assert not outcome.is_green or "Nothing published" in outcome.output
    assert "purchase_intent_scores left out by the variable products; build on a branch" in outcome.output
    assert shop.serving("select name from endpoints") == [("purchase_intent_scores",)]
    shop.build(*ONLY)
    assert shop.catalog("select count(*) > 0 from registry.training_decisions where model = 'purchase_intent__logistic'") == [
        (True,)
    ]


def test_a_name_that_the_project_has_is_no_new_product(shop: Project) -> None:
    made = make_product(shop, "segments")
    assert made.returncode == 1
    assert "found segments, which the project has" in made.stderr


def test_a_fitted_model_whose_yaml_comes_later_starts_anew(shop: Project) -> None:
    yml = shop.root / "models/learning/purchase_intent/purchase_intent__logistic.yml"
    text = yml.read_text()
    yml.unlink()
    assert not shop.dbt("build", *ONLY, branch="late").is_green
    yml.write_text(text)
    assert "Published release" in shop.build(*ONLY, branch="late").output
