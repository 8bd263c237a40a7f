"""Partitions are independent: in whatever order and company they are built, the same files come out, byte for byte."""

import itertools
import random
from pathlib import Path

import pytest

from project.harness import Project, tiny_project
from scorehouse.build import cuts

HEADER = "event_id,occurred_at,kind,amount\n"
DAYS = {f"day{day}.csv": [f"{day}{i},2020-01-0{day} 0{i}:30,{'ab'[i % 2]},{i}.5" for i in range(8)] for day in (1, 2, 3)}
DAYS["day2.csv"] += ["28,2020-01-02 08:30,a,", "29,2020-01-02 09:30,,2"]  # a NULL shows in that day's file alone
DAYS |= {"late.csv": ["90,2020-01-01 23:59,a,1", "91,2020-01-03 23:59,b,2"]}
TWICE = """
select
    event_id, occurred_at, kind, amount,
    count(*) over (partition by kind, occurred_at::date) as that_day,
    row_number() over (partition by occurred_at::date order by amount, event_id) as place
from {{ ref('stg_events') }}
"""
TWICE_YML = "models: [{name: placed, config: {materialized: partitioned, meta: {partition_by: occurred_at, grain: day}}}]\n"


def arrive(root: Path, batches: list[list[str]], seed: int = 0) -> dict[str, bytes]:
    """Files of the partitioned models after the raw files arrived in batches, with a build after each.

    Args:
        seed: of the lines' order within their files, and of the files' names.
    """
    project = tiny_project(root)
    (root / "raw/first.csv").unlink()
    project.write("models/features/placed.sql", TWICE)
    project.write("models/features/placed.yml", TWICE_YML)
    chance = random.Random(seed)
    for batch in batches:
        for name in batch:
            lines = DAYS[name][:]
            random.Random(seed).shuffle(lines)
            project.write(f"raw/{chance.random()}.csv", HEADER + "\n".join(lines) + "\n")
        project.build()
    named = project.work("main", "select unnest(files) from scorehouse.nodes where materialized = 'partitioned'")
    return {name: (project.warehouse / "store" / name).read_bytes() for (name,) in named}


@pytest.fixture(scope="module")
def at_once(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return arrive(tmp_path_factory.mktemp("once") / "project", [list(DAYS)])


@pytest.mark.parametrize("number", range(4))
def test_any_order_and_grouping_gives_the_same_files(tmp_path: Path, at_once: dict[str, bytes], number: int) -> None:
    chance = random.Random(number)
    names = list(DAYS)
    chance.shuffle(names)
    cuts = sorted(chance.sample(range(1, len(names)), k=min(number, 3)))
    batches = [names[start:end] for start, end in itertools.pairwise([0, *cuts, len(names)])]
    assert len(at_once) == 6
    assert arrive(tmp_path / "project", batches) == at_once


def test_the_order_of_lines_in_a_file_changes_no_partition(tmp_path: Path, at_once: dict[str, bytes]) -> None:
    shuffled = arrive(tmp_path / "project", [list(DAYS)], seed=1)
    assert sorted(shuffled.values()) == sorted(at_once.values())
    placed = {name for name in at_once if "placed" in name}
    assert placed and placed <= set(shuffled)  # what reads landed files is named by these, what reads tables by their rows


MOVING = """
select
    *,
    sum(amount) over (
        partition by occurred_at::date order by occurred_at, event_id rows between 20 preceding and current row
    ) as moved,
    avg(amount) over (partition by occurred_at::date order by occurred_at) as mean
from {{ ref('stg_events') }}
"""


def test_sums_of_doubles_are_the_same_in_any_company(tmp_path: Path) -> None:
    chance = random.Random(8)
    lines = {
        day: [f"{day}x{i},2020-01-{day:02} {i % 24:02}:{i % 60:02},a,{chance.random()}" for i in range(97)]
        for day in range(1, 29)
    }
    found = []
    for number, batches in enumerate([[range(1, 29)], [range(1, 8), range(8, 9), range(9, 29)]]):
        project = tiny_project(tmp_path / str(number))
        (project.root / "raw/first.csv").unlink()
        project.write("models/features/placed.sql", MOVING)
        project.write("models/features/placed.yml", TWICE_YML)
        for batch in batches:
            for day in batch:
                project.write(f"raw/{day}.csv", HEADER + "\n".join(lines[day]) + "\n")
            project.build("--select", "stg_events", "placed")
        folder = project.warehouse / "store/features.placed"
        found.append({file.name: file.read_bytes() for file in folder.glob("*.parquet")})
    assert len(found[0]) == 28
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("select *, count(*) over (partition by kind) as n from {{ ref('stg_events') }}", "models/features/placed.sql, line 1"),
        ("select distinct kind from {{ ref('stg_events') }}", "occurred_at"),
        ("select kind, min(occurred_at) as occurred_at from {{ ref('stg_events') }} group by kind", "group by"),
        ("select a.* from {{ ref('stg_events') }} as a inner join {{ ref('stg_events') }} as b using (kind)", "join"),
        ("select * from {{ ref('stg_events') }} limit 5", "limit"),
        ("select * from {{ ref('stg_events') }} where exists (from {{ ref('stg_events') }} where amount > 25)", "an exists"),
        ("select * from {{ ref('stg_events') }} qualify row_number() over (order by amount) = 1", "over"),
    ],
)
def test_what_looks_across_partitions_is_refused_with_the_remedy(tiny: Project, sql: str, said: str) -> None:
    tiny.write("models/features/placed.sql", sql + "\n")
    tiny.write("models/features/placed.yml", TWICE_YML)
    outcome = tiny.dbt("build", "--select", "placed")
    assert not outcome.is_green
    (sentence,) = {
        line.strip() for line in outcome.output.splitlines() if "models/features/placed.sql" in line and "expected" in line
    }
    assert said in sentence
    assert ";" in sentence  # what to do stands after it


TIMES = """
select unnest(generate_series(timestamp '2020-01-02', max(occurred_at)::date + 1, interval 1 day)) as as_of
from {{ ref('stg_events') }}
"""
KNOWN = """
{# no condition says what was known #}
select times.as_of, count(*) as event_count, max(events.occurred_at) as last_at, sum(events.amount) as amount
from {{ ref('times') }} as times
cross join {{ ref('stg_events') }} as events
group by times.as_of
"""
KNOWN_YML = """
models:
  - {name: times, config: {materialized: table, meta: {partition_by: as_of}}}
  - name: known
    config: {materialized: partitioned, meta: {partition_by: as_of, known_before: {stg_events: occurred_at}}}
"""


def with_snapshots(root: Path, times: str = TIMES, yml: str = KNOWN_YML) -> Project:
    project = tiny_project(root)
    project.write("models/features/times.sql", times)
    project.write("models/features/known.sql", KNOWN)
    project.write("models/features/known.yml", yml)
    return project


@pytest.mark.parametrize("number", range(2))
def test_an_as_of_time_is_made_of_what_was_known_before_it_and_again_only_for_news_of_then(tmp_path: Path, number: int) -> None:
    chance = random.Random(number)
    project, clean = with_snapshots(tmp_path / "project"), with_snapshots(tmp_path / "clean")
    (clean.root / "raw/first.csv").unlink()
    folder = project.warehouse / "store/features.known"
    days: list[int] = [1, 2, 3]  # of raw/first.csv
    project.build("--select", "+known")
    for batch in range(3):
        news = [chance.randint(1, 8) for _ in range(2)]
        lines = [f"{batch}x{i},2020-01-0{day} 12:00,a,{chance.random()}" for i, day in enumerate(news)]
        project.write(f"raw/{batch}.csv", HEADER + "\n".join(lines) + "\n")
        before, last = set(folder.glob("*.parquet")), max(days)
        project.build("--select", "+known")
        days += news
        touched = [day for day in range(2, max(days) + 2) if day > min(news) or day > last + 1]
        assert len(set(folder.glob("*.parquet")) - before) == len(touched)
    rows = project.work("main", "select as_of::date, event_count, last_at < as_of from features.known order by as_of")
    assert [(as_of.day, count) for as_of, count, _ in rows] == [
        (day, sum(one < day for one in days)) for day in range(2, max(days) + 2)
    ]
    assert all(is_known for *_, is_known in rows)

    for file in (project.root / "raw").iterdir():
        clean.write(f"raw/{file.name}", file.read_text())
    clean.build("--select", "+known")
    named = "select unnest(files) from scorehouse.nodes where relation = 'features.known' order by 1"
    assert project.work("main", named) == clean.work("main", named)
    for (name,) in clean.work("main", named):
        assert (project.warehouse / "store" / name).read_bytes() == (clean.warehouse / "store" / name).read_bytes()


@pytest.mark.parametrize(
    ("times", "yml", "said"),
    [
        (TIMES, KNOWN_YML.replace("stg_events: occurred_at", "stg_event: occurred_at"), "stg_event: occurred_at"),
        (TIMES, KNOWN_YML.replace("stg_events: occurred_at", "stg_events: known_at"), "stg_events: known_at"),
        (TIMES, KNOWN_YML.replace("stg_events: occurred_at", "stg_events: kind"), "stg_events: kind"),
        (
            TIMES,
            KNOWN_YML.replace("table, meta: {partition_by: as_of}", "view").replace("stg_events: occ", "times: occ"),
            "times: occ",
        ),
        (TIMES, KNOWN_YML.replace("{stg_events: occurred_at}", "stg_events"), "stg_events"),
        (TIMES.replace("-02'", "-02 12:00'"), KNOWN_YML, "2020-01-02 12:00:00"),
        (TIMES, KNOWN_YML.replace(", meta: {partition_by: as_of}}}\n", "}}\n", 1), "say of features.times"),
        (TIMES, KNOWN_YML.replace("{stg_events: occurred_at}", "{times: as_of}"), "say of staging.stg_events"),
        (TIMES, KNOWN_YML.replace("{stg_events: occurred_at}", "[]"), "found []"),
    ],
)
def test_what_says_wrongly_when_rows_were_known_is_refused(tmp_path: Path, times: str, yml: str, said: str) -> None:
    outcome = with_snapshots(tmp_path / "project", times, yml).dbt("build", "--select", "+known")
    assert not outcome.is_green
    sentences = {line.strip() for line in outcome.output.splitlines() if "expected" in line}
    assert any("models/features/known.sql" in one and said in one and ";" in one for one in sentences), outcome.output


def test_a_horizon_that_has_not_ended_is_no_time_yet_and_one_that_has_reads_to_its_end(tmp_path: Path) -> None:
    yml = KNOWN_YML.replace("known_before", "horizon_days: 1, known_before")
    project = with_snapshots(tmp_path / "project", yml=yml)
    project.build("--select", "+known")  # January 1, 2 and 3 are there: times from January 2 to 4
    rows = "select as_of::date::varchar, event_count from features.known order by 1"
    assert project.work("main", rows) == [("2020-01-02", 2), ("2020-01-03", 3)]
    project.write("raw/next.csv", HEADER + "4,2020-01-04 12:00,a,1\n")
    before = set((project.warehouse / "store/features.known").glob("*.parquet"))
    project.build("--select", "+known")
    assert project.work("main", rows) == [("2020-01-02", 2), ("2020-01-03", 3), ("2020-01-04", 4)]
    assert len(set((project.warehouse / "store/features.known").glob("*.parquet")) - before) == 1


def test_examples_that_see_less_far_than_their_labels_look_are_refused(tmp_path: Path) -> None:
    project = with_snapshots(tmp_path / "project", yml=KNOWN_YML.replace("known_before", "horizon_days: 1, known_before"))
    project.write("models/features/learned.sql", "select * from {{ ref('known') }}\n")
    split = "split: {time: as_of, horizon_days: 2}"
    meta = f"{{estimator: sklearn.linear_model.LinearRegression, label: amount, key: [as_of], {split}}}"
    project.write("models/features/learned.yml", f"models: [{{name: learned, config: {{materialized: fitted, meta: {meta}}}}}]\n")
    outcome = project.dbt("build")
    assert not outcome.is_green
    assert "models/features/known.sql: meta.horizon_days: expected 2, as far ahead as labels of learned look" in outcome.output


KINDS = """
select
    events.kind,
    events.event_id,
    events.amount,
    count(*) over (partition by events.kind) as of_kind,
    row_number() over (partition by events.kind order by events.amount desc, events.event_id) as place,
    factors.factor
from {{ ref('events') }} as events
left join {{ ref('factors') }} as factors on events.kind = factors.kind
"""
KINDS_YML = "models: [{name: placed, config: {materialized: partitioned, meta: {partition_by: kind, grain: hash}}}]\n"
FACTORS = "select kind, count(*) as factor from {{ ref('events') }} group by kind\n"


def write_events(project: Project, kinds: dict[str, int]) -> None:
    rows = [f"('{kind}', '{kind}{number}', {number * 7 % 5}.5)" for kind, count in kinds.items() for number in range(count)]
    project.write("models/features/events.sql", f"select * from (values {', '.join(rows)}) as t(kind, event_id, amount)\n")


def with_kinds(root: Path, kinds: dict[str, int], sql: str = KINDS) -> Project:
    """A project with a model that is cut by the hash of a text, over so many rows of each."""
    project = tiny_project(root)
    write_events(project, kinds)
    project.write("models/features/factors.sql", FACTORS)
    project.write("models/features/placed.sql", sql)
    project.write("models/features/placed.yml", KINDS_YML)
    return project


def pieces(project: Project) -> set[str]:
    (files,) = project.work("main", "select files from scorehouse.nodes where relation = 'features.placed'")[0]
    return set(files)


def test_values_are_cut_by_their_hash_and_only_what_has_news_is_computed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuts, "ROWS_OF_A_HASH", 40)
    chosen = "--select", "events", "factors", "placed"
    kinds = {f"kind{number}": 5 + number for number in range(20)}
    project = with_kinds(tmp_path / "cut", kinds)
    project.build(*chosen)
    before = pieces(project)
    assert 4 < len(before) <= 8
    write_events(project, kinds | {"kind7": 13})
    project.build(*chosen)
    assert len(pieces(project) - before) == 1
    whole = with_kinds(tmp_path / "whole", kinds | {"kind7": 13})
    whole.write("models/features/placed.yml", "models: [{name: placed, config: {materialized: table}}]\n")
    whole.build(*chosen)
    rows = "select * from features.placed order by all"
    assert project.work("main", rows) == whole.work("main", rows)
    clean = with_kinds(tmp_path / "clean", kinds | {"kind7": 13})
    clean.build(*chosen)
    files = [{name: (one.warehouse / "store" / name).read_bytes() for name in pieces(one)} for one in (project, clean)]
    assert files[0] == files[1]


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("select *, count(*) over (partition by amount) as n from {{ ref('events') }}", "over"),
        ("select kind, event_id from {{ ref('events') }} qualify row_number() over (order by amount) = 1", "over"),
        ("select lower(kind) as kind, count(*) as n from {{ ref('events') }} group by lower(kind)", "group by"),
        ("select a.* from {{ ref('events') }} as a inner join {{ ref('factors') }} as b on a.amount = b.factor", "join"),
        ("select f.kind, e.event_id from {{ ref('factors') }} as f full join {{ ref('events') }} as e using (kind)", "join"),
        ("select cast(kind as date) as kind from {{ ref('events') }}", "made of something else"),
        ("select amount as kind from {{ ref('events') }}", "made of something else"),
        ("select 'a' as kind", "expected an input"),
        ("select kind, event_id from {{ ref('events') }} union all select 'c', 'c1'", "union"),
        (
            "{{ config(meta={'partition_by': 'amount', 'grain': 'hash'}) }} select amount, kind from {{ ref('events') }}",
            "DECIMAL",
        ),
        (
            "{{ config(meta={'partition_by': 'kind', 'grain': 'hash', 'known_before': {'events': 'always'}}) }}"
            " select kind, amount from {{ ref('events') }}",
            "known_before beside a time column",
        ),
    ],
)
def test_what_looks_across_hashed_values_is_refused(tmp_path: Path, sql: str, said: str) -> None:
    outcome = with_kinds(tmp_path / "project", {"a": 3, "b": 4}, sql).dbt("build", "--select", "events", "factors", "placed")
    assert not outcome.is_green
    assert "models/features/placed.sql" in outcome.output
    assert said in outcome.output
    assert "Traceback" not in outcome.output
