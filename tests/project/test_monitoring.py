"""Monitoring: what is injected is named, with its model and its feature, and nothing else; one odd day is not.

A bank of 300 payments a day, every day alike: a version is trained on the first weeks and kept, then come days of another kind.
"""

import numpy as np
import pytest
from scipy.stats import chi2
from sklearn.metrics import average_precision_score, roc_auc_score

from project.harness import Outcome, Project, copy_of_the_project
from project.test_landing import write

PAYMENTS = """
select
    'p' || day || '-' || i as interaction_id,
    timestamp '2024-01-01' + interval (day) day + interval (hash(day, i, 'time') % 86400) second as occurred_at,
    'c' || hash(day, i, 'customer') % 100 as customer_id,
    'payment' as interaction_type,
    {item} as item_id,
    ({amount}) * (1 + hash(day, i, 'amount') % 10000 / 100) as amount
from range({first}, {last}) as days(day), range({count}) as numbers(i)
"""
LABELS = """
select
    'fraud' as label,
    'interaction' as entity_type,
    interaction_id as entity_id,
    ({fraud})::int as value,
    occurred_at,
    occurred_at + interval 3 days as known_at
from ({payments})
"""
DEAR_AT_NIGHT = "hash(interaction_id, 'chance') % 100 < case when amount > 60 and hour(occurred_at) < 8 then 70 else 3 end"
TRAINED_DAYS, ALL_DAYS = 50, 70
NEWEST_WARNINGS = "select measure, subject, sentence from monitoring.signals where is_newest and status = '{}' order by all"
PERFORMANCE = {"auc", "lead", "calibration_error", "bias", "estimate_shortfall"}


class Bank:
    """A project with the bank's files; only what monitoring reads is built."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.folder = project.root / "mine"

    def land(
        self,
        name: str,
        first: int,
        last: int,
        item: str = "'t' || hash(day, i, 'item') % 20",
        amount: str = "1",
        fraud: str = DEAR_AT_NIGHT,
        count: int = 300,
    ) -> None:
        """Payments of some days, so many a day, with their labels."""
        payments = PAYMENTS.format(first=first, last=last, item=item, amount=amount, count=count)
        write(self.folder / f"interactions/{name}.parquet", payments)
        write(self.folder / f"labels/{name}.parquet", LABELS.format(fraud=fraud, payments=payments))

    def train_again_with(self, examples: int) -> None:
        """A version is kept until there are so many new examples; then nothing else but monitoring has a limit."""
        self.project.limit_training(minimum_new_examples=examples)

    def build(self) -> Outcome:
        return self.project.dbt(
            "build",
            "--vars",
            f"{{interaction_sources: [landing], landing_path: {self.folder}, fraud_label_days: 3}}",
            "--select",
            "+monitoring_finds_no_error",
            "+monitoring_finds_no_warning",
            "--indirect-selection",
            "cautious",
            "--exclude-resource-type",
            "unit_test",
        )

    def found(self, status: str) -> dict[tuple[str, str], str]:
        """Sentences of the newest periods by measure and subject."""
        return {(measure, subject): said for measure, subject, said in self.ask(NEWEST_WARNINGS.format(status))}

    def ask(self, query: str) -> list[tuple]:
        return self.project.work("main", query)


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    project = copy_of_the_project(tmp_path_factory.mktemp("bank"))
    fitted = "models/learning/fraud/fraud__boosted.yml"
    declared = (project.root / fitted).read_text()
    begin, end = declared.index("          numeric:"), declared.index("        preprocessing:")
    features = "          numeric: [amount, item_payment_count_7d, hour_of_day]\n"
    project.write(fitted, declared[:begin] + features + declared[end:])
    project.replace(fitted, "train_periods: 60", "train_periods: 30")
    project.limit_training(minimum_new_examples=1_000_000)
    bank = Bank(project)
    bank.land("first", 0, TRAINED_DAYS)
    outcome = bank.build()
    assert outcome.is_green, outcome.output
    return bank


@pytest.fixture
def usual(bank: Bank) -> Bank:
    """The bank, whatever came before; a test lands days as `later`."""
    bank.land("later", TRAINED_DAYS, ALL_DAYS)
    return bank


def test_days_like_those_of_the_training_say_nothing(usual: Bank) -> None:
    outcome = usual.build()
    assert outcome.is_green, outcome.output
    assert usual.found("warn") == usual.found("error") == {}
    watched = usual.ask("select distinct measure from monitoring.signals")
    assert {"feature_stability", "missing_increase", "score_stability", "coverage", *PERFORMANCE} <= {one for (one,) in watched}


@pytest.mark.parametrize("factor", [2, 100])
def test_another_unit_of_money_names_the_feature_and_the_score_that_follows_it(usual: Bank, factor: int) -> None:
    usual.land("later", TRAINED_DAYS, ALL_DAYS, amount=f"case when day >= {ALL_DAYS - 3} then {factor} else 1 end")
    outcome = usual.build()
    assert outcome.is_green, outcome.output
    found = usual.found("warn")
    both = {("feature_stability", "amount"), ("score_stability", "score")}
    assert set(found) == both if factor > 2 else both > set(found)  # whose doubling moves scores less than it moves itself
    sentence = found["feature_stability", "amount"]
    assert sentence.startswith("fraud_risk__boosted, feature_stability (fraud__boosted@")
    assert "above 0.25 in 3 of the last 7 periods" in sentence
    assert sentence in outcome.output
    assert usual.found("error") == {}


def test_one_odd_day_is_watched_and_warns_nobody(usual: Bank) -> None:
    usual.land("later", TRAINED_DAYS, ALL_DAYS, amount=f"case when day = {ALL_DAYS - 1} then 2 else 1 end")
    outcome = usual.build()
    assert outcome.is_green, outcome.output
    assert ("feature_stability", "amount") in set(
        usual.ask("select measure, subject from monitoring.signals where is_newest and status = 'watched'")
    )
    assert usual.found("warn") == usual.found("error") == {}


def test_a_day_like_no_other_is_told_at_once_and_trains_nothing(usual: Bank) -> None:
    usual.land("later", TRAINED_DAYS, ALL_DAYS, amount=f"case when day = {ALL_DAYS - 1} then 100 else 1 end")
    assert usual.build().is_green
    assert "above 2 in 1 of the last 7 periods" in usual.found("warn")["feature_stability", "amount"]
    assert usual.ask("select count(*) from monitoring.signals where asks_for_training") == [(0,)]


def test_a_column_that_no_longer_arrives_stops_the_release_and_is_named(usual: Bank) -> None:
    usual.land("later", TRAINED_DAYS, ALL_DAYS, item=f"case when day < {ALL_DAYS - 3} then 't' || hash(day, i, 'item') % 20 end")
    outcome = usual.build()
    assert not outcome.is_green
    (error,) = usual.found("error").items()
    assert error[0] == ("missing_increase", "item_payment_count_7d")
    assert error[1] in outcome.output
    assert set(usual.found("warn")) == {("feature_stability", "item_payment_count_7d")}


def test_labels_that_no_longer_follow_the_score_name_its_performance_alone(usual: Bank) -> None:
    usual.land("later", TRAINED_DAYS, ALL_DAYS, fraud="hash(interaction_id, 'chance') % 100 < 12")
    outcome = usual.build()
    assert outcome.is_green, outcome.output
    found = usual.found("warn")
    assert {("auc", "score"), ("estimate_shortfall", "auc")} <= set(found)
    assert {measure for measure, _ in found} <= PERFORMANCE
    assert all(said.startswith(f"fraud_risk__boosted, {measure} (fraud__boosted@") for (measure, _), said in found.items())
    assert usual.found("error") == {}


def test_labels_that_are_all_alike_leave_what_can_be_said_of_them(usual: Bank) -> None:
    """No area and no lead can be, and what is predicted is far above what comes."""
    usual.land("later", TRAINED_DAYS, ALL_DAYS, fraud="false")
    outcome = usual.build()
    assert outcome.is_green, outcome.output
    assert ("bias", "score") in usual.found("warn")
    assert "relative difference of mean prediction and mean outcome, score: 1 " in outcome.output


def test_labels_that_no_longer_come_and_rows_that_become_few_are_named(usual: Bank) -> None:
    usual.land("later", TRAINED_DAYS, ALL_DAYS, count=60)
    (usual.folder / "labels/later.parquet").unlink()
    outcome = usual.build()
    assert outcome.is_green, outcome.output
    assert set(usual.found("warn")) == {("volume", "rows"), ("label_delay_days", "labels")}


def test_areas_are_scikit_learns_and_the_estimate_counts_every_pair(usual: Bank) -> None:
    usual.build()
    day = "2024-02-25"
    rows = usual.ask(f"select score, realised, baseline_score from monitoring.past_scores where period_at = '{day}'")
    scores, outcomes, amounts = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    columns = "metric, value, baseline_value, lead, lead_upper_bound - lead_lower_bound, estimated_value"
    query = f"select {columns} from monitoring.performance where period_at = '{day}'"
    found = {metric: numbers for metric, *numbers in usual.ask(query)}
    for metric, measure in (("auc", roc_auc_score), ("average_precision", average_precision_score)):
        of_model, of_baseline = measure(outcomes, scores), measure(outcomes, amounts)
        assert found[metric][:3] == pytest.approx([of_model, of_baseline, of_model - of_baseline], abs=1e-9)
    pairs = np.multiply.outer(scores, 1 - scores)
    np.fill_diagonal(pairs, 0)
    order = np.sign(np.subtract.outer(scores, scores)) / 2 + 0.5
    assert found["auc"][4] == pytest.approx((pairs * order).sum() / pairs.sum(), abs=1e-9)
    random = np.random.default_rng(0)
    leads = []
    for _ in range(400):
        drawn = random.integers(0, len(scores), len(scores))
        of_model, of_baseline = (roc_auc_score(outcomes[drawn], values[drawn]) for values in (scores, amounts))
        leads.append(of_model - of_baseline)
    assert found["auc"][3] == pytest.approx(2 * 1.96 * np.std(leads), rel=0.2)


def test_without_drift_the_index_is_rarely_above_its_bound(usual: Bank) -> None:
    """Every feature and the score, 20 days: of about 80 samples one in a hundred may be."""
    usual.build()
    rows = usual.ask(
        "select stability_index, no_drift_bound, row_count, trained_count, bin_ends, lower_bound, upper_bound"
        " from monitoring.feature_drift inner join monitoring.trained_features using (implementation, feature, trained_count)"
        " where feature <> 'item_payment_count_7d'"  # of one day alike
    )
    assert len(rows) > 40
    assert sum(index > bound for index, bound, *_ in rows) <= 4
    assert sum(lower > 0 for *_, lower, _ in rows) <= 8
    for _, bound, count, trained_count, bin_ends, _, _ in rows:
        freedom = len(bin_ends) - 1
        assert bound == pytest.approx(chi2.ppf(0.99, freedom) * (1 / count + 1 / trained_count), rel=0.01)


def test_a_warning_asks_for_training_where_examples_are_new(usual: Bank) -> None:
    """The last test here: it replaces the version that the others watch."""
    by_chance = "hash(interaction_id, 'chance') % 100 < 12"
    usual.project.limit_training(minimum_new_examples=1_000_000, performance_limit=0.99)
    usual.land("later", TRAINED_DAYS, ALL_DAYS, fraud=by_chance)
    outcome = usual.build()
    assert ("auc", "score") in usual.found("warn")
    assert "fraud__boosted: training raises an alarm: auc " in outcome.output
    attention = "select count(*) from history.ledger where event = 'attention' and node = 'model.scorehouse.fraud__boosted'"
    assert usual.ask(attention) == [(1,)]
    usual.train_again_with(1)
    usual.land("later", TRAINED_DAYS, ALL_DAYS + 1, fraud=by_chance)
    usual.build()
    decisions = "select decision, reason from history.decisions where model = 'fraud__boosted' order by decided_at desc limit 1"
    ((decision, reason),) = usual.ask(decisions)
    assert decision == "train"
    assert reason.startswith("monitoring: area under the ROC curve")
