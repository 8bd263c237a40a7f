"""Fraud risk: simulated truth, metrics as scikit-learn has them, delayed labels, the team's capacity, and no labels at all."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from project.harness import Project, copy_of_the_project, query_file
from project.test_landing import write

SIZE = "payment_simulator_customers: 500, payment_simulator_terminals: 1000, payment_simulator_days: 60"
PAYMENTS = """
select
    'p' || i as interaction_id,
    timestamp '2024-01-01' + interval (i * 7) minute as occurred_at,
    'c' || hash(i) % 20 as customer_id,
    'payment' as interaction_type,
    't' || hash(i, 't') % 10 as item_id,
    case when i = 400 then 500 else 10 + hash(i, 'a') % 20 end as amount
from range(500) as rows(i)
"""


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = copy_of_the_project(tmp_path_factory.mktemp("bank"))
    project.build("--vars", f"{{interaction_sources: [payment_simulator], products: [fraud], {SIZE}}}")
    return project


def evaluation(bank: Project) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for implementation, metric, value in bank.catalog("select implementation, metric, value from learning.fraud_evaluation"):
        found.setdefault(implementation, {})[metric] = value
    return found


def card_precision(days: np.ndarray, cards: np.ndarray, scores: np.ndarray, frauds: np.ndarray) -> float:
    """The handbook's card precision top 100: each day's riskiest cards; a card once found is blocked."""
    blocked: set[str] = set()
    found = []
    for day in np.unique(days):
        risk: dict[str, tuple[float, int]] = {}
        for card, score, fraud in zip(cards[days == day], scores[days == day], frauds[days == day], strict=True):
            if card not in blocked:
                before = risk.get(card, (-np.inf, 0))
                risk[card] = (max(before[0], score), max(before[1], fraud))
        top = sorted(risk, key=lambda card: (-risk[card][0], card))[:100]
        caught = {card for card in top if risk[card][1]}
        blocked |= caught
        found.append(len(caught) / 100)
    return float(np.mean(found))


def test_the_simulator_knows_the_truth_of_three_scenarios(bank: Project) -> None:
    rows = bank.catalog(
        "select fraud_scenario, count(*), min(amount) from staging.stg_payment_simulator__payments group by 1 order by 1"
    )
    counts = {scenario: count for scenario, count, _ in rows}
    assert set(counts) == {0, 1, 2, 3}
    assert 0.002 < (sum(counts.values()) - counts[0]) / sum(counts.values()) < 0.03
    assert all(smallest > 220 for scenario, _, smallest in rows if scenario == 1)
    legitimate = "select count(*) from staging.stg_payment_simulator__payments where fraud_scenario = 0 and amount > 220"
    assert bank.catalog(legitimate) == [(0,)]


def test_a_payment_is_learned_from_only_once_its_label_is_known(bank: Project) -> None:
    ((newest, as_of),) = bank.catalog(
        "select max(occurred_on), (select max(as_of) from intermediate.int_as_of_times) from learning.fraud_examples"
    )
    assert (as_of - newest).days == 8


@pytest.mark.parametrize(
    ("implementation", "score"),
    [
        ("fraud_risk__boosted", "past.held_out_score"),
        ("fraud_risk__rules", "rules.score"),
        ("amount alone", "boosted.amount"),
    ],
)
def test_metrics_are_scikit_learns_and_the_handbooks(bank: Project, implementation: str, score: str) -> None:
    rows = bank.catalog(
        f"select examples.occurred_on, examples.customer_id, {score}, examples.is_fraud"
        " from learning.fraud_examples as examples, learning.fraud__boosted as version,"
        " scores.fraud_risk__boosted as boosted, scores.fraud_risk__rules as rules, monitoring.past_scores as past"
        " where examples.payment_id = boosted.payment_id and examples.payment_id = rules.payment_id"
        " and examples.payment_id = past.entity_id and past.implementation = 'fraud_risk__boosted' and past.is_held_out"
        " and examples.occurred_on between version.test_from and version.test_until"
    )
    days, cards, scores, frauds = (np.array(column) for column in zip(*rows, strict=True))
    assert len(set(days)) == 7
    found = evaluation(bank)[implementation]
    assert found["auc"] == pytest.approx(roc_auc_score(frauds, scores), abs=1e-12)
    assert found["average_precision"] == pytest.approx(average_precision_score(frauds, scores), abs=1e-12)
    assert found["card_precision_at_100"] == pytest.approx(card_precision(days, cards, scores, frauds), abs=1e-12)


def test_the_boosted_model_finds_more_than_rules_and_amounts(bank: Project) -> None:
    found = evaluation(bank)
    for baseline in ("fraud_risk__rules", "amount alone"):
        assert found["fraud_risk__boosted"]["average_precision"] > found[baseline]["average_precision"]
    assert found["fraud_risk__boosted"]["auc"] > 0.8


def test_every_payment_is_scored_and_the_daily_lists_fit_the_team(bank: Project) -> None:
    ((payments,),) = bank.catalog("select count(*) from staging.stg_payment_simulator__payments")
    assert bank.serving("select count(*) from fraud_risk") == [(payments,)]
    days = bank.serving("select review_date, count(*), min(score), count(distinct customer_id) from payment_reviews group by 1")
    assert all(count == distinct <= 100 and smallest >= 0.01 for _, count, smallest, distinct in days)
    assert len(days) > 5
    assert bank.catalog(
        "select count(*) from serving.payment_reviews as listed inner join intermediate.int_payment_labels as known"
        " on listed.payment_id = known.payment_id where known.known_at <= (select max(as_of) from intermediate.int_as_of_times)"
    ) == [(0,)]
    assert bank.serving("select count(*) from payment_reviews where len(reasons) <> 3 or reason_text is null") == [(0,)]


def test_without_labels_the_rules_serve(bank: Project) -> None:
    write(bank.root / "mine/interactions/payments.parquet", PAYMENTS)
    variables = f"{{interaction_sources: [landing], landing_path: {bank.root / 'mine'}}}"
    selected = ["+payment_reviews", "+fraud_evaluation"]
    warehouse = bank.root / "other"
    bank.build("--vars", variables, "--select", *selected, "--indirect-selection", "cautious", WAREHOUSE_PATH=str(warehouse))
    file = warehouse / "main/.work/warehouse.duckdb"
    assert query_file(file, "select distinct implementation from serving.fraud_risk") == [("fraud_risk__rules",)]
    assert query_file(file, "select count(*) from serving.fraud_risk") == [(500,)]
    assert query_file(file, "select payment_id, rank from serving.payment_reviews where amount > 220") == [("p400", 1)]
    assert query_file(file, "select count(*) from learning.fraud_evaluation") == [(0,)]
