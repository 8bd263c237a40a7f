from project.harness import Project


def rows(project: Project, table: str, columns: str) -> list[tuple]:
    return project.catalog(f"select {columns} from comparison.{table} order by all", branch="b")


def test_a_changed_weight_shows_rows_columns_scores_decisions_and_movers(tiny: Project) -> None:
    tiny.build("--vars", "{weight: 3}", branch="b")
    outcome = tiny.operation("compare", branch="b")
    assert outcome.is_green, outcome.output
    assert rows(tiny, "tables", "*") == [
        ("features.weighted", "logic", [], 3, 3, None, None, None),
        ("serving.scores", "logic", ["event_id"], 3, 3, 0, 0, 3),
    ]
    assert ("serving.scores", "score", 3) in rows(tiny, "columns", "relation, column_name, changed")
    (scores,) = rows(tiny, "scores", "rows_in_both, main_mean, branch_mean, mean_shift, rank_correlation")
    # (amount * 2 * weight + 10) * points: 25, 180, 65, then 35, 260, 95
    assert scores == (3, 90, 130, 40, 1)
    assert rows(tiny, "movers", "key, main_score, branch_score, feature") == [
        ("1", 25, 35, "value"),
        ("2", 180, 260, "value"),
        ("3", 65, 95, "value"),
    ]
    assert rows(tiny, "decisions", "*") == []
    assert "serving.scores" in outcome.output and "rank correlation" in outcome.output


def test_a_decision_that_flips_is_listed_with_who_it_is(tiny: Project) -> None:
    tiny.replace("models/serving/scores.sql", "> 50", "> 20")
    tiny.build(branch="b")
    outcome = tiny.operation("compare", branch="b")
    assert rows(tiny, "decisions", "decision, key, main_value, branch_value") == [("wins", "1", "false", "true")]
    assert rows(tiny, "scores", "*") == []
    assert "Decisions that flip" in outcome.output


def test_rows_added_and_removed_and_columns_added_are_counted(tiny: Project) -> None:
    tiny.replace("models/features/weighted.sql", "where amount > 0", "where amount > 10")
    tiny.replace("models/serving/scores.sql", "    weighted.event_id,", "    weighted.event_id,\n    weighted.kind,")
    tiny.build(branch="b")
    tiny.operation("compare", branch="b")
    assert ("serving.scores", 3, 2, 0, 1, 0) in rows(tiny, "tables", "relation, main_rows, branch_rows, added, removed, changed")
    assert rows(tiny, "columns", "column_name, state") == [("kind", "added")]


def test_the_effects_of_logic_and_of_fresh_data_are_apart(tiny: Project) -> None:
    tiny.build("--vars", "{weight: 3}", branch="b")
    tiny.write("raw/second.csv", "event_id,occurred_at,kind,amount\n4,2020-01-04,a,40\n")
    tiny.build("--vars", "{weight: 3, fresh_data: true}", branch="b")
    tiny.operation("compare", branch="b")
    assert [row for row in rows(tiny, "tables", "relation, effect, added, changed") if row[0] == "serving.scores"] == [
        ("serving.scores", "data", 1, 0),
        ("serving.scores", "logic", 0, 3),
        ("serving.scores", "logic and data", 1, 3),
    ]


def test_nothing_different_says_so(tiny: Project) -> None:
    tiny.build(branch="b")
    outcome = tiny.operation("compare", branch="b")
    assert "No stored table differs." in outcome.output


def test_comparing_main_or_asking_for_nonsense_gets_one_sentence(tiny: Project) -> None:
    assert "expected a branch to compare with main's release, found main itself" in tiny.operation("compare").output
    tiny.build(branch="b")
    refused = tiny.operation("compare", "{examples: many}", branch="b")
    assert not refused.is_green
    assert "expected a number of examples such as {examples: 5}, found 'many'" in refused.output
