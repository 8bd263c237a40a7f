"""People's data in a warehouse: what identifies somebody is nowhere, whatever it was disguised as on its way."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from project.harness import Project, copy_of_the_project

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


@pytest.mark.parametrize("branch", ["main", "leak"])
def test_no_model_reads_the_key(shop: Project, branch: str) -> None:
    shop.write("models/staging/landing/leak.sql", "select '{{ env_var('SCOREHOUSE_PERSONAL_KEY', 'nothing') }}' as key\n")
    process = shop.start("build", "--select", "leak", branch=branch, SCOREHOUSE_PERSONAL_KEY=KEY)
    output, _ = process.communicate(timeout=300)
    (shop.root / "models/staging/landing/leak.sql").unlink()
    assert process.returncode == 0, output
    assert shop.work(branch, "select key from staging.leak") == [("nothing",)]
