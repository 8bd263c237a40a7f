"""Which edits compute what: the heart of the store."""

import pytest

from project.harness import Project

NOTHING: set[str] = set()


def edit(path, old, new):
    return lambda project: project.replace(path, old, new)


UNCHANGED = {
    "white space": edit("models/features/weighted.sql", "where amount > 0", "where   amount\n    > 0"),
    "comment": edit("models/features/weighted.sql", "where amount > 0", "where amount > 0 -- only real money"),
    "keyword case": edit("models/features/weighted.sql", "where amount", "WHERE amount"),
    "jinja comment": edit("models/features/weighted.sql", "where amount", "{# real money #} where amount"),
    "redundant parentheses": edit("models/features/weighted.sql", "amount > 0", "(amount > 0)"),
    "macro refactored to the same SQL": edit("macros/bonus.sql", "10", "{{ 5 * 2 }}"),
    "description": edit("udfs/twice.yml", "- name: twice\n", "- name: twice\n    description: Twice as much.\n"),
    "seed with other quoting": edit("seeds/points.csv", "a,0.5", '"a",0.50'),
}

REBUILT = {
    "a WHERE": (edit("models/features/weighted.sql", "amount > 0", "amount > 10"), {"weighted", "scores"}),
    "a column": (
        edit("models/features/unrelated.sql", "i as number", "i as number, i + 1 as next_number"),
        {"unrelated"},
    ),
    "a macro's value": (edit("macros/bonus.sql", "10", "11"), {"weighted", "scores"}),
    "a function's body": (edit("udfs/twice.sql", "x * 2", "x * 2.5"), {"twice", "weighted", "scores"}),
    "a seed's value": (edit("seeds/points.csv", "b,2", "b,3"), {"points", "scores"}),
}


@pytest.mark.parametrize("name", UNCHANGED)
def test_edits_that_do_not_matter_compute_nothing(tiny: Project, name: str) -> None:
    UNCHANGED[name](tiny)
    tiny.build()
    assert tiny.computed() == NOTHING
    assert tiny.release() == 1


def test_a_description_that_readers_see_is_published_and_computes_nothing(tiny: Project) -> None:
    tiny.replace("models/serving/scores.yml", "Scores of events.", "What an event is worth.")
    tiny.build()
    assert tiny.computed() == NOTHING
    assert tiny.release() == 2
    assert tiny.serving("select description from endpoints") == [("What an event is worth.",)]


@pytest.mark.parametrize("name", REBUILT)
def test_edits_that_matter_compute_the_node_and_what_depends_on_it(tiny: Project, name: str) -> None:
    change, expected = REBUILT[name]
    change(tiny)
    tiny.build()
    assert tiny.computed() == expected
    assert tiny.release() == 2


def test_values_outside_the_files_count_too_and_taking_them_back_computes_nothing(tiny: Project) -> None:
    tiny.build("--vars", "{weight: 3}")
    assert tiny.computed() == {"weighted", "scores"}
    tiny.build()
    assert tiny.computed() == NOTHING
    tiny.build(TINY_EXTRA="5")
    assert tiny.computed() == {"weighted", "scores"}
    tiny.replace("models/features/weighted.sql", "where amount > 0", "WHERE (amount > 0) -- as it was")
    tiny.build(TINY_EXTRA="0")
    assert tiny.computed() == NOTHING


def test_a_days_new_rows_compute_that_partition_and_what_depends_on_it(tiny: Project) -> None:
    files = set((tiny.warehouse / "store/staging.stg_events").glob("*.parquet"))
    tiny.write("raw/late.csv", "event_id,occurred_at,kind,amount\n4,2020-01-02 23:00,a,5\n")
    tiny.build()
    assert tiny.computed() == {"events", "stg_events", "weighted", "scores"}
    assert len(set((tiny.warehouse / "store/staging.stg_events").glob("*.parquet")) - files) == 1
    assert tiny.catalog("select count(*), sum(amount) from staging.stg_events") == [(4, 65.0)]


def test_explain_names_the_cause(tiny: Project) -> None:
    tiny.replace("macros/bonus.sql", "10", "11")
    tiny.replace("seeds/points.csv", "b,2", "b,3")
    tiny.build("--vars", "{weight: 3}")
    output = tiny.operation("explain").output
    assert "variable weight" in output
    assert "macro bonus" in output
    assert "file seeds/points.csv" in output
    assert "model weighted" in tiny.operation("explain", "{node: scores}").output


def test_a_seed_counts_wherever_and_however_it_is_read(tiny: Project) -> None:
    tiny.write("udfs/twice.sql", "x * (select 2 * count(*) / 2 from {{ ref('points') }})\n")
    tiny.write(
        "models/features/unrelated.sql", "-- {{ ref('points') }}\nselect max(points) as number from configuration.Points\n"
    )
    tiny.build()
    tiny.replace("seeds/points.csv", "b,2", "b,2\nc,3")
    tiny.build()
    assert tiny.computed() == {"points", "twice", "weighted", "scores", "unrelated"}
    assert tiny.catalog("select number from features.unrelated") == [(3.0,)]
    assert tiny.catalog("select value from features.weighted where event_id = '1'") == [(70.0,)]
