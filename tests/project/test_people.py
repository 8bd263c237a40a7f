"""People's data in a warehouse: what identifies somebody is nowhere, whatever it was disguised as on its way."""

import hashlib
import hmac
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from project.harness import Project, copy_of_the_project
from scorehouse.build.addresses import AddressGuard
from scorehouse.ledger import lines

KEY = "nobody guesses these bytes"
ADDRESS = "zoe.quux7731@mail.example.org"
NAME, PHONE, STREET = "Zoe Quuxington", "+49 171 7731 7731", "Quuxweg 7731"
SECRETS = (ADDRESS, NAME, PHONE, STREET)
HEAD = "interaction_id,occurred_at,customer_id,interaction_type,amount,query,Billing Name,properties\n"

FILES = {
    "interactions/jan.csv": HEAD
    + f'1,2026-01-03 10:15:00,c1,purchase,5,{ADDRESS},{NAME},"{{""user"": {{""phone"": ""{PHONE}""}}, ""page"": ""/tea""}}"\n'
    + f"2,2026-01-04 10:15:00,c2,purchase,{ADDRESS},,,\n"
    + f"3,2026-01-05 10:15:00,c3,purchase,5,,{NAME},,{STREET}\n"
    + f"4,{ADDRESS},c3,purchase,5,,,\n",
    "interactions/feb.json": json.dumps(
        [
            {
                "occurred_at": "2026-02-03",
                "customer_id": "c1",
                "interaction_type": "search",
                "query": f"mail {ADDRESS}",
                "properties": {"traits": {"firstName": NAME, "plan": "gold"}, "note": ADDRESS, "list": [{"street": STREET}]},
            }
        ]
    ),
    "customers/all.csv": "customer_id,signed_up_at,country,email,Vorname,phone,properties\n"
    + f'c1,2025-01-01,DE,{ADDRESS.upper()},{NAME},{PHONE},"{{""home"": ""{STREET}""}}"\n'
    + f"c2,{PHONE},{ADDRESS},,,,\n",
    "items/all.csv": f"item_id,title,seller_email\ntea,Tea of {ADDRESS},{ADDRESS}\n",
}


def texts_in(folder: Path) -> Iterator[tuple[Path, str]]:
    """Every file of a folder, as its bytes say and as its reader shows it."""
    for file in sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()):
        yield file, file.read_bytes().decode("latin-1")
        if file.suffix == ".parquet":
            yield file, _shown(f"from read_parquet('{file}')")
        elif file.suffix == ".duckdb":
            yield from _tables(file)


def _tables(file: Path) -> Iterator[tuple[Path, str]]:
    with duckdb.connect(str(file), read_only=True) as connection:
        names = connection.execute("select schema_name, table_name from duckdb_tables() where not internal").fetchall()
        for schema, table in names:
            yield file, str(connection.execute(f'from "{schema}"."{table}"').fetchall())


def _shown(query: str) -> str:
    return str(duckdb.sql(query).to_arrow_table().to_pylist())


def found_in(folders: list[Path], secrets: tuple[str, ...]) -> list[tuple[str, str]]:
    """Who is named, and where: letter case does not hide anybody."""
    spelled = {
        spelling for secret in secrets for spelling in (secret, secret.lower(), secret.upper(), secret.replace("@", "%40"))
    }
    texts = (told for folder in folders for told in texts_in(folder))
    return [(str(file), secret) for file, text in texts for secret in spelled if secret in text]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = copy_of_the_project(tmp_path_factory.mktemp("people"))
    for path, text in FILES.items():
        project.write(f"mine/{path}", text)
    return project


VARIABLES = "{interaction_sources: [landing], landing_path: mine, maximum_rejected_share: 0.9, products: [customer_profile]}"


def test_the_hunt_finds_what_is_there(shop: Project) -> None:
    assert {secret for _, secret in found_in([shop.root / "mine"], SECRETS)} >= set(SECRETS)


@pytest.mark.parametrize("key", [KEY, None])
def test_nobody_is_named_in_any_file(shop: Project, key: str | None) -> None:
    branch = "main" if key else "without-a-key"
    environment = {"SCOREHOUSE_PERSONAL_KEY": key} if key else {}
    variables = VARIABLES if key else VARIABLES.replace("{", "{fresh_data: true, ", 1)
    outcome = shop.dbt("build", "--vars", variables, branch=branch, DBT_WRITE_JSON="true", **environment)
    assert outcome.is_green, outcome.output
    folders = [shop.warehouse, *(shop.root / name for name in ("target", "logs"))]
    assert found_in(folders, (*SECRETS, KEY)) == []
    assert not any(secret in outcome.output for secret in (*SECRETS, KEY)), outcome.output
    end = "kept as pseudonyms" if key else "dropped; with a key in SCOREHOUSE_PERSONAL_KEY they become pseudonyms"
    assert f"people's data, {end}." in outcome.output, outcome.output
    ((email,),) = shop.catalog("select email from staging.stg_landing__customers where customer_id = 'c1'", branch)
    expected = "person-" + hmac.new(KEY.encode(), ADDRESS.encode(), hashlib.sha256).hexdigest()[:32]
    assert email == (expected if key else None)
    ((page,),) = shop.catalog(
        "select properties ->> '$.page' from staging.stg_landing__interactions where interaction_id = '1'", branch
    )
    assert page == "/tea"
    told = shop.dbt("--quiet", "run-operation", "people", "--vars", variables, branch=branch).output
    held = "pseudonyms" if key else "nothing: dropped"
    assert f"staging.stg_landing__customers.email {held}" in " ".join(told.split()), told


@pytest.mark.parametrize("branch", ["main", "leak"])
def test_no_model_reads_the_key_nor_where_messages_go(shop: Project, branch: str) -> None:
    secrets = {"SCOREHOUSE_PERSONAL_KEY": KEY, "SCOREHOUSE_ALERT_DATA": "json://there/token", "SCOREHOUSE_HEARTBEAT_URL": "x"}
    read = ", ".join(f"'{{{{ env_var('{name}', 'nothing') }}}}' as secret_{place}" for place, name in enumerate(secrets))
    shop.write("models/staging/landing/leak.sql", f"select {read}\n")
    process = shop.start("build", "--select", "leak", branch=branch, **secrets)
    output, _ = process.communicate(timeout=300)
    (shop.root / "models/staging/landing/leak.sql").unlink()
    assert process.returncode == 0, output
    assert shop.work(branch, "from staging.leak") == [("nothing",) * 3]


PERSON = "customer-7731"


def rows_of(*people: str, month: str) -> str:
    lines = [
        f"{person}-{month}-{day},{month}-{day:02} 10:00:00,{person},purchase,item{day % 5},1,{day}.5\n"
        for person in people
        for day in range(1, 9)
    ]
    return "interaction_id,occurred_at,customer_id,interaction_type,item_id,quantity,amount\n" + "".join(lines)


@pytest.mark.drill
def test_a_person_is_forgotten_everywhere_and_nobody_else_is(tmp_path: Path) -> None:
    project = copy_of_the_project(tmp_path / "shop")
    others = [f"customer-{number}" for number in range(12)]
    project.write("mine/interactions/jan.csv", rows_of(PERSON, *others, month="2026-01"))
    project.write("mine/interactions/feb.csv", rows_of(*others, month="2026-02"))
    project.write("mine/customers/all.csv", f"customer_id,country\n{PERSON},DE\ncustomer-1,FR\n")
    project.write("mine/labels/all.csv", f"label,entity_type,entity_id,value,occurred_at\nvip,customer,{PERSON},1,2026-01-09\n")
    variables = "{interaction_sources: [landing], landing_path: mine, products: [customer_profile]}"
    project.build("--vars", variables)
    project.replace("models/serving/customers.sql", "select * from", "select /* a branch */ * from")
    project.build("--vars", variables, branch="other")
    query = "select customer_id, count(*), sum(amount) from intermediate.int_interactions group by all order by 1"
    before = project.catalog(query)
    untouched = {file for file in project.warehouse.glob("store/landing.interactions/*.parquet") if _is_of(file, "feb.csv")}
    assert found_in([project.warehouse], (PERSON,))

    asked = project.start("--quiet", "run-operation", "forget", "--args", f"{{customer_id: {PERSON}}}", "--vars", variables)
    receipt, _ = asked.communicate(timeout=600)

    assert asked.returncode == 0, receipt
    assert found_in([project.warehouse, project.root / "target", project.root / "logs"], (PERSON,)) == []
    assert project.catalog(query) == [row for row in before if row[0] != PERSON]
    assert untouched <= set(project.warehouse.glob("store/landing.interactions/*.parquet"))
    for line in (
        "Forgotten: 1 of 1 people on the list.",
        "release 1 of main",
        "branch other",
        "mine/interactions/jan.csv is yours and has 8 rows of theirs, which do not land; delete them there.",
    ):
        assert line in receipt, receipt
    trail = [json.loads(line) for line in (project.folder() / "audit.jsonl").read_text().splitlines()]
    (erased,) = [line["details"] for line in trail if line["event"] == "erased"]
    assert erased["people"] == 1
    assert erased["files"] > 5
    assert erased["withdrawn"] == ["branch other", "release 1 of main"]
    project.build("--vars", variables, branch="other")
    project.build("--vars", variables)
    assert found_in([project.warehouse], (PERSON,)) == []
    refused = project.operation("forget", f"{{customer_id: {PERSON}}}", branch="other")
    assert "forget: expected main, which alone may delete from the store, found branch 'other'" in refused.output


PEOPLE = "event_id,occurred_at,kind,amount\nzoe-7731,2020-01-01,a,10\nother-1,2020-01-01,b,20\n"


def forgetful(tiny: Project) -> None:
    """Let rows be of people, of whom one is served, in two releases and a branch."""
    tiny.replace(
        "models/staging/_sources.yml",
        "{name: event_id, data_type: VARCHAR, config: {meta: {required: true}}}",
        "{name: event_id, data_type: VARCHAR, config: {meta: {required: true, person: true}}}",
    )
    tiny.write("raw/people.csv", PEOPLE)
    tiny.build()
    tiny.build("--vars", "{weight: 7}", branch="other")


def test_forgetting_keeps_what_it_knows_and_deletes_all_else(tiny: Project) -> None:
    """Whatever a file says of itself, or is called: damaged, temporary, without a record, of a killed process."""
    forgetful(tiny)
    relation = next(tiny.warehouse.glob("store/features.weighted"))
    for copy in tiny.warehouse.glob("store/shop.events/*.parquet"):  # as retention, a kill or a damaged disk may leave it
        copy.unlink()
        copy.with_suffix(".json").unlink()
    with duckdb.connect(str(tiny.folder() / ".work/warehouse.duckdb")) as work:
        work.execute("create schema failures; create table failures.leak as select repeat('zoe-7731', 9) from range(9000)")
    planted = [
        relation / "aa.duckdb.damaged",
        relation / f".aa.duckdb.1f.{os.getpid()}.tmp",
        tiny.warehouse / "store/gone.model/bb.duckdb",
        tiny.folder() / "releases/.9.1.tmp/catalog.duckdb",
        tiny.folder() / ".work/warehouse.duckdb.damaged.20260101T000000",
        tiny.folder() / "notes/a.txt",
        tiny.folder("other") / "built/shop.events/cc.tmp",
        tiny.root / "logs/dbt.log.1",
        tiny.root / "logs/nightly/2026-01-01T00-00-00-abc.log",
        tiny.root / "logs/watchdog/main-1/more.txt",
    ]
    for file in planted:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("zoe-7731")
    lied = {"branch": "other", "commit": None, "run_id": "", "process_id": 1, "written_at": "2026-01-01", "sha256": ""}
    (tiny.folder("other") / "built/features.weighted/dd.json").write_text(json.dumps({**lied, "parents": ["/etc/passwd"]}))
    (tiny.folder("other") / "built/features.weighted/dd.duckdb").write_text("zoe-7731")
    tiny.operation("provenance", "{table: scores, key: zoe-7731}")
    assert found_in([tiny.root / "logs"], ("zoe-7731",))

    outcome = tiny.operation("forget", "{customer_id: 'zoe-7731'}")
    assert outcome.is_green, outcome.output
    assert "Forgotten: 1 of 1 people on the list." in outcome.output, outcome.output
    assert "No row that has landed is theirs" not in outcome.output
    assert found_in([tiny.warehouse, tiny.root / "logs"], ("zoe-7731",)) == []
    assert not [file for file in planted if file.exists()]
    assert tiny.serving("select event_id from scores order by 1") == [("1",), ("2",), ("3",), ("other-1",)]
    assert [branch.name for branch in tiny.warehouse.iterdir()].count("other") == 0
    assert "nothing changed" in tiny.build().output
    assert "is whole" in tiny.operation("verify_audit").output
    assert "No row that has landed is theirs: ask again if" in tiny.operation("forget", "{customer_id: 'Zoe-7731'}").output
    tiny.build("--vars", "{weight: 7}", branch="other")


def test_forgetting_goes_on_wherever_it_was_killed(tiny: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    forgetful(tiny)
    with monkeypatch.context() as killed:
        left = iter(range(3))
        unlink = os.unlink

        def some(path: str, **more: int) -> None:
            if more and next(left, None) is None:
                raise PermissionError(13, "killed", path)
            unlink(path, **more)

        killed.setattr("scorehouse.foreign.os.unlink", some)
        killed_there = tiny.dbt("run-operation", "forget", "--args", "{customer_id: 'zoe-7731'}")
    sentence = (
        "Not yet forgotten: branch other may have rows of theirs, and this command may not delete it (killed): a build may "
    )
    assert not killed_there.is_green
    assert sentence in killed_there.output, "what a plain build says of branches, which it may not delete"
    assert any(sentence in line.text() for line in lines.read(lines.files(tiny.folder() / "ledger")[-1], ["attention"]))
    assert json.loads((tiny.warehouse / "store/forgotten.json").read_text())["pending"]
    outcome = tiny.operation("forget")
    assert "Forgotten: 1 of 1 people on the list." in outcome.output, outcome.output
    assert found_in([tiny.warehouse, tiny.root / "logs"], ("zoe-7731",)) == []


def _is_of(file: Path, raw: str) -> bool:
    return raw in str(json.loads(file.with_suffix(".json").read_text())["parents"])


MADE = [
    "kind || '@example.org'",
    "json_object('a', [kind || '@example.org'])",
    "[{'feature': kind, 'of': map {'who': kind || '@example.org'}}]",
    "decode(from_base64(to_base64(encode(kind || '@example.org'))))",
    "encode(kind || '@example.org')",
    "kind || '%40example.org'",
    """('"' || kind || '\\u0040example\\u002eorg"')::json""",
    "map {kind || '@example.org': 1}",
]


def test_what_a_query_makes_an_address_of_is_no_result(tiny: Project) -> None:
    """However it is disguised; a column that is said to name nobody may hold it, and what is made of that column may not."""
    spared = "columns: [{name: %s, config: {meta: {personal: false}}}]"
    names = [f"made_{number}" for number in range(len(MADE))]
    for name, made in zip(names, MADE, strict=True):
        tiny.write(f"models/features/{name}.sql", f"select {made} as made from {{{{ ref('stg_events') }}}}\n")
        tiny.write(f"models/serving/of_{name}.sql", f"select 1 as id, any_value(made) as said from {{{{ ref('{name}') }}}}\n")
        served = f"models: [{{name: of_{name}, config: {{meta: {{endpoint: {{key: [id]}}}}}}}}]\n"
        tiny.write(f"models/serving/of_{name}.yml", served)
    release = tiny.release()
    outcome = tiny.dbt("build")
    assert not outcome.is_green and tiny.release() == release
    for name in names:
        found = f"models/features/{name}.sql: column made: expected nobody named, found an e-mail address"
        assert found in outcome.output, outcome.output
    assert "(made of staging.stg_events.kind < shop.events.kind)" in outcome.output, outcome.output
    assert found_in([tiny.warehouse], ("a@example.org",)) == []
    for name in names:
        tiny.write(f"models/features/{name}.yml", f"models: [{{name: {name}, {spared % 'made'}}}]\n")
    again = tiny.dbt("build")
    for name in names:
        assert f"models/serving/of_{name}.sql: column said: expected nobody named" in again.output, again.output
        tiny.replace(f"models/serving/of_{name}.yml", f"name: of_{name}", f"name: of_{name}, {spared % 'said'}")
    tiny.build()
    for name in names:
        (tiny.root / f"models/features/{name}.yml").unlink()
    outcome = tiny.dbt("build")
    assert all(f"models/features/{name}.sql: column made: expected nobody named" in outcome.output for name in names)


@pytest.mark.parametrize(
    ("path", "sql", "column"),
    [
        ("staging/seen.sql", "select kind || '@example.org' as made from {{ ref('stg_events') }}", "made"),
        ("features/named.sql", 'select 1 as "zoe@example.org"', "(an e-mail address)"),
        ("features/named.sql", "select {'zoe@example.org': 1} as made", "made"),
    ],
)
def test_no_view_shows_an_address_and_no_name_is_one(tiny: Project, path: str, sql: str, column: str) -> None:
    tiny.write(f"models/{path}", sql + "\n")
    assert f"models/{path}: column {column}: expected nobody named" in tiny.dbt("build").output


def test_a_failed_test_names_nobody(tiny: Project) -> None:
    tiny.write("tests/found.sql", "select 1 as number, kind || '@example.org' as who from {{ ref('stg_events') }}\n")
    tiny.write("tests/said.sql", "select kind || '@example.org: late' as sentence from {{ ref('stg_events') }}\n")
    outcome = tiny.dbt("build")
    assert "found number = 1, who = (an address) and 2 more" in outcome.output, outcome.output
    assert found_in([tiny.warehouse, tiny.root / "logs"], ("a@example.org", "b@example.org")) == []
    assert "@example.org" not in outcome.output


def test_a_seed_names_nobody(tiny: Project) -> None:
    tiny.replace(
        "models/staging/_sources.yml", "    schema: shop", "    schema: shop\n    config: {meta: {personal_names: [phone]}}"
    )
    tiny.write("seeds/points.csv", "kind,points,homePhone\na,0.5,1\nb,2,\n")
    refused = "seeds/points.csv: column homePhone: expected nobody's data in a seed"
    assert refused in tiny.dbt("build").output
    tiny.write("seeds/points.csv", "kind,points,owner\na,0.5,zoe@example.org\nb,2,\n")
    outcome = tiny.dbt("build")
    assert "seeds/points.csv: column owner: expected nobody named, found an e-mail address; leave it out" in outcome.output
    tiny.write("seeds/points.yml", "seeds: [{name: points, columns: [{name: owner, config: {meta: {personal: false}}}]}]\n")
    tiny.build()


def test_main_takes_up_no_result_of_a_branch_that_names_somebody(tiny: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny.write("models/features/made.sql", f"select {MADE[0]} as made from {{{{ ref('stg_events') }}}}\n")
    with monkeypatch.context() as careless:
        careless.setattr(AddressGuard, "__call__", lambda *_: None)
        tiny.build(branch="careless")
    outcome = tiny.dbt("build")
    assert "models/features/made.sql: column made: expected nobody named" in outcome.output
    assert not list(tiny.warehouse.glob("store/features.made/*"))


def test_rows_older_than_retain_days_leave_with_their_copies(tiny: Project) -> None:
    today = datetime.now(UTC).date()
    ago = [today - timedelta(days=days) for days in (40, 20, 3)]
    head, line = "event_id,occurred_at,kind,amount\n", "{},{},a,1\n".format
    tiny.write("raw/old.csv", head + line("too-old-1", ago[0]))
    tiny.write("raw/timeless.csv", head + line("without-time", ""))
    os.utime(tiny.root / "raw/timeless.csv", (0, 0))
    tiny.write("raw/mixed.csv", head + line("too-old-2", ago[0]) + line("middle", ago[1]) + line("new", ago[2]))
    tiny.build()
    copies = {file.name for file in tiny.warehouse.glob("store/shop.events/*.parquet")}
    ids = "select event_id from staging.stg_events where event_id not in ('1', '2', '3') order by all"
    assert tiny.catalog(ids) == [("middle",), ("new",), ("too-old-1",), ("too-old-2",), ("without-time",)]

    tiny.replace("models/staging/_sources.yml", "partition_by: occurred_at", "partition_by: occurred_at, retain_days: 30")
    outcome = tiny.build()
    assert tiny.catalog(ids) == [("middle",), ("new",)]
    assert "shop.events: 6 rows older than 30 days (retain_days) are not kept." in outcome.output, outcome.output
    assert "Deleted 4 raw copies with rows older than their source's retain_days." in outcome.output
    assert not copies & {file.name for file in tiny.warehouse.glob("store/shop.events/*")}
    assert found_in(list(tiny.warehouse.glob("store/shop.events")), ("too-old-1", "too-old-2", "without-time")) == []
    assert "nothing changed" in tiny.build().output

    tiny.replace("models/staging/_sources.yml", "retain_days: 30", "retain_days: 10")
    assert "Deleted 1 raw copy with" in tiny.build().output
    assert tiny.catalog(ids) == [("new",)]
    assert tiny.dbt("run-operation", "rollback").is_green and tiny.build().is_green
    assert tiny.catalog(ids) == [("new",)]
    tiny.replace("models/staging/_sources.yml", ", retain_days: 10", "")
    assert "retain_days" not in tiny.build().output
    assert tiny.catalog(ids) == [("middle",), ("new",), ("too-old-1",), ("too-old-2",), ("without-time",)]
