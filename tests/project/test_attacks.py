"""What a branch's files may try against main, the store and the machine: each attack is stopped by name and changes nothing.

One table of attacks: nodes of their own are built together, the others run one by one. `@main@`, `@store@` and `@file@` stand for
main's folder, the store and a data file that main refers to; `@out@` is a file that only an attack could make.
"""

import hashlib
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pytest

from project.harness import Outcome, Project


@dataclass(frozen=True)
class Attack:
    """Files that a branch adds, and the words of the one line that must stop them.

    Attributes:
        files: path -> text; a Path makes a symbolic link.
        found: words that name what was found, all in one line of the output.
        command: what the analyst runs, where the attack is not a node to build.
        variables: limits of the run.
        how: 'together' in one build, 'alone' in a run of its own, or 'ended': with its process.
    """

    files: dict[str, str | Path]
    found: tuple[str, ...]
    command: tuple[str, ...] = ("build", "--select", "+evil")
    variables: tuple[str, ...] = ()
    how: str = "together"


ONE_ROW = "select 1 as number\n"
OVERWRITE = "copy (select 66 as data) to '@file@' (format parquet)"
LITTLE_TIME = ("--vars", "{query_timeout_seconds: 2}")
LITTLE_MEMORY = ("--vars", "{memory_limit: 200MB, spill_limit: 20MB}")
PYTHON_NODE = """
functions:
  - name: {name}
    config: {{entry_point: main, runtime_version: '3.11'}}
    arguments: [{{name: x, data_type: double}}]
    returns: {{data_type: double}}
"""
ENDLESS_SQL = "with recursive forever as (select 1 as n union all select n + 1 from forever) select count(*) as n from forever"


# ---------------------------------------------------------------- the ways in: each takes a payload and the words


def model(sql: str, *found: str) -> Attack:
    return Attack({"models/features/evil.sql": sql}, found)


def pre_hook(sql: str, *found: str) -> Attack:
    return Attack({"models/features/evil.sql": f'{{{{ config(pre_hook="{sql}") }}}}\n{ONE_ROW}'}, found)


def post_hook(sql: str, *found: str) -> Attack:
    return Attack({"models/features/evil.sql": f'{{{{ config(post_hook="{sql}") }}}}\n{ONE_ROW}'}, found)


def sql_header(sql: str, *found: str) -> Attack:
    return Attack({"models/features/evil.sql": f'{{{{ config(sql_header="{sql};") }}}}\n{ONE_ROW}'}, found)


def jinja(text: str, *found: str) -> Attack:
    """A macro that a model calls at run time."""
    macro = f"{{% macro evil() %}}{{% if execute %}}{text}{{% endif %}}{{% endmacro %}}\n"
    return Attack({"macros/evil.sql": macro, "models/features/evil.sql": "{{ evil() }}\n" + ONE_ROW}, found)


def run_query(sql: str, *found: str) -> Attack:
    return jinja(f'{{% do run_query("{sql}") %}}', *found)


def statement(sql: str, *found: str) -> Attack:
    return jinja(f"{{% call statement('evil') %}}{sql}{{% endcall %}}", *found)


def adapter_execute(sql: str, *found: str) -> Attack:
    return jinja(f'{{% do adapter.execute("{sql}") %}}', *found)


def materialization(sql: str, *found: str) -> Attack:
    """A way to build tables of the branch's own."""
    text = f"{{% materialization evil, adapter='duckdb' %}}{{% call statement('main') %}}{sql}{{% endcall %}}"
    text += "{{ return({'relations': []}) }}{% endmaterialization %}\n"
    files = {"macros/evil.sql": text, "models/features/evil.sql": "{{ config(materialized='evil') }}\n" + ONE_ROW}
    return Attack(files, found)


def singular_test(sql: str, *found: str) -> Attack:
    return Attack({"tests/evil_test.sql": sql}, found)


def generic_test(sql: str, *found: str) -> Attack:
    declared = "models: [{name: evil, columns: [{name: number, data_tests: [evil]}]}]\n"
    files = {"tests/generic/evil.sql": f"{{% test evil(model, column_name) %}}{sql}{{% endtest %}}\n"}
    return Attack({**files, "models/features/evil.sql": ONE_ROW, "models/features/evil.yml": declared}, found)


def unit_test(sql: str, *found: str) -> Attack:
    """A fixture written as SQL."""
    declared = f"""
unit_tests:
  - name: evil_unit
    model: evil
    given: [{{input: ref('points'), format: sql, rows: "{sql}"}}]
    expect: {{rows: []}}
"""
    reader = "select kind from {{ ref('points') }}\n"
    return Attack({"models/features/evil.yml": declared, "models/features/evil.sql": reader}, found)


def shown(sql: str, *found: str) -> Attack:
    return Attack({}, found, ("show", "--inline", sql), how="alone")


def analysis(text: str, *found: str) -> Attack:
    return Attack({"analyses/evil.sql": text}, found, ("compile", "--select", "evil"), how="alone")


def snapshot(sql: str, *found: str) -> Attack:
    head = "{{ config(unique_key='number', strategy='check', check_cols='all', schema='features') }}\n"
    return Attack({"snapshots/evil.sql": f"{{% snapshot evil %}}{head}{sql}{{% endsnapshot %}}\n"}, found)


def sql_function(body: str, *found: str, argument: str = "x", returns: str = "double") -> Attack:
    declared = f"functions: [{{name: evil_function, arguments: [{{name: '{_yaml(argument)}', data_type: double}}],"
    declared += f" returns: {{data_type: '{_yaml(returns)}'}}}}]\n"
    reader = "select {{ function('evil_function') }}(1) as number\n"
    files = {"udfs/evil_function.sql": body, "udfs/evil_function.yml": declared, "models/features/evil.sql": reader}
    return Attack(files, found)


def python_function(text: str, *found: str) -> Attack:
    """A Python function node; the text runs when it is loaded, or in `main` when it is called."""
    declared = PYTHON_NODE.format(name="evil_function")
    reader = "select {{ function('evil_function') }}(1::double) as number\n"
    files = {"udfs/evil_function.py": text, "udfs/evil_function.yml": declared, "models/features/evil.sql": reader}
    return Attack(files, found)


def fitted(meta: str, *found: str) -> Attack:
    """A fitted model; `meta` is its declaration in YAML, but for label and key."""
    meta += ", label: value, key: [number], minimum_examples: 1"
    declared = f"models: [{{name: evil, config: {{materialized: fitted, meta: {{{meta}}}}}}}]\n"
    examples = "select number, number * 3.0 as amount, number * 2.0 as value from {{ ref('unrelated') }}\n"
    return Attack({"models/features/evil.sql": examples, "models/features/evil.yml": declared}, found)


def contract(column: str, *found: str) -> Attack:
    """An enforced contract; `column` is the one column's declaration in YAML."""
    declared = f"models: [{{name: evil, config: {{contract: {{enforced: true}}}}, columns: [{column}]}}]\n"
    return Attack({"models/features/evil.sql": ONE_ROW, "models/features/evil.yml": declared}, found)


def configured(config: str, *found: str, sql: str = ONE_ROW) -> Attack:
    """A model with a line of configuration."""
    return Attack({"models/features/evil.sql": f"{{{{ config({config}) }}}}\n{sql}"}, found)


def source_column(data_type: str, *found: str) -> Attack:
    """A source whose declaration changes: its landed files are checked against it."""
    declared = f"""
sources:
  - name: evil
    schema: shop
    tables:
      - name: evil_events
        config: {{meta: {{path: raw}}}}
        columns: [{{name: kind, data_type: '{_yaml(data_type)}'}}]
"""
    reader = "select * from {{ source('evil', 'evil_events') }}\n"
    return Attack({"models/staging/evil.yml": declared, "models/features/evil.sql": reader}, found, how="alone")


def endpoint(key: str, *found: str) -> Attack:
    """A served table, published with the whole build."""
    declared = f"models: [{{name: evil, config: {{meta: {{endpoint: {{key: ['{_yaml(key)}']}}}}}}}}]\n"
    return Attack({"models/serving/evil.sql": ONE_ROW, "models/serving/evil.yml": declared}, found, ("build",), how="alone")


def alone(attack: Attack) -> Attack:
    """The same, where one refusal ends the run."""
    return replace(attack, how="alone")


def endless(attack: Attack) -> Attack:
    """The same with a limit of 2 seconds."""
    return replace(attack, variables=LITTLE_TIME)


def ended(attack: Attack) -> Attack:
    """The same where nothing but the end of the process helps."""
    return replace(attack, variables=LITTLE_TIME, how="ended")


def greedy(attack: Attack) -> Attack:
    """The same with a limit of 200 MB."""
    return replace(attack, variables=LITTLE_MEMORY)


def _yaml(text: str) -> str:
    return text.replace("'", "''")


# ---------------------------------------------------------------- the table

LATE = "expected to end within 2 seconds"

ATTACKS: dict[str, Attack] = {
    # -------- a model's query reads what is not its own
    "model reads a file by its name": model("select * from '/etc/passwd'", "found the table /etc/passwd"),
    "model reads a quoted file": model('select * from "/etc/passwd"', "found the table /etc/passwd"),
    "model reads text": model("select content from read_text('/etc/passwd')", "found read_text()"),
    "model reads csv": model("select * from main.read_csv('/etc/passwd')", "found read_csv()"),
    "model reads bytes": model("select (select content from read_blob('/etc/passwd')) as content", "found read_blob()"),
    "model reads a quoted function": model("""select * from "read_text"('/etc/passwd')""", "found read_text()"),
    "model lists files": model("select * from glob('/etc/*')", "found glob()"),
    "model reads main's catalog": model(
        "select * from read_duckdb('@main@/catalog.duckdb', table_name => 'nodes')", "found read_duckdb()"
    ),
    "model hides SQL in a text": model("select * from query('from read_text(''/etc/passwd'')')", "found query()"),
    "model hides a table in a text": model("select * from query_table('staging.stg_events')", "found query_table()"),
    "model reads the environment": model("select getenv('HOME') as home", "found getenv()"),
    "model reads a setting": model("select current_setting('temp_directory') as folder", "found current_setting()"),
    "model reads all settings": model("select * from duckdb_settings()", "found duckdb_settings()"),
    "model reads databases": model("select path from duckdb_databases()", "found duckdb_databases()"),
    "model reads databases as a table": model("select path from duckdb_databases", "found", "duckdb_databases"),
    "model reads databases by show": model("from (show databases)", "found", "show"),
    "model reads databases by a pragma's table": model("select * from pragma_database_list", "found", "pragma_database_list"),
    "model reads paths in the catalog": model("select sql from sqlite_master", "found", "sqlite_master"),
    "model reads paths in view texts": model(
        "select view_definition from information_schema.views", "found", "information_schema"
    ),
    "model reads paths in pg_catalog": model("select definition from pg_catalog.pg_views", "found", "pg_views"),
    "model reads the store's own tables": model("select * from scorehouse.nodes", "found", "scorehouse.nodes"),
    "model reads its own text": model("select current_query() as text", "found current_query()"),
    "model reads its place": model("select current_schemas(true) as places", "found current_schemas()"),
    "model writes to DuckDB's log": model("select write_log('evil') as logged", "found write_log()"),
    "model hides a function behind a column": model(
        "select functions.write_log() as logged from (select 'evil' as functions)", "found write_log()"
    ),
    "model clears logs": model("select * from truncate_duckdb_logs()", "found truncate_duckdb_logs()"),
    # -------- a model's query differs from run to run
    "model draws at random": model("select random() as number", "found ran"),
    "model draws behind a byte order mark": model("select random\ufeff() as number", "found ran"),
    "model draws in a lambda": model("select list_transform([1], lambda x: random()) as number", "found ran"),
    "model asks the time": model("select now() as number", "found now()"),
    "model asks the time by an age": model("select age(timestamp '2020-01-01') as number", "found age()"),
    "model makes a key": model("select uuid() as number", "found", "uuid"),
    "model counts transactions": model("select current_transaction_id() as number", "found current_transaction_id()"),
    "model counts queries": model("select current_query_id() as number", "found current_query_id()"),
    "model counts connections": model("select current_connection_id() as number", "found current_connection_id()"),
    "model samples": model("select * from range(9) as t(number) using sample 2", "found a random sample"),
    "model samples a quantile": model("select reservoir_quantile(range, 0.5) as n from range(9)", "found reservoir_quantile()"),
    "model samples a quantile by name": model(
        "select list_aggregate([1, 2], 'reservoir_quantile') as n", "found list_aggregate()"
    ),
    "model takes any rows": model("select * from range(9) as t(number) limit 2", "found limit without order by"),
    # -------- a model is more than a query
    "model is two statements": model(f"select 1 as number; {OVERWRITE}", "found 2 statements"),
    "model closes its bracket": model(f"select 1 as number); {OVERWRITE}; select (1", "text that cannot be read"),
    "model hides a statement in a comment": model(f"select 1 as number /* /* */ */; {OVERWRITE}", "found 2 statements"),
    "model copies": model(OVERWRITE, "found copy statement"),
    "model attaches": model("attach '@main@/catalog.duckdb' as main_catalog", "found attach statement"),
    "model installs": model("install httpfs", "found load statement"),
    "model loads": model("load httpfs", "found load statement"),
    "model sets": model("set threads = 1", "found set statement"),
    "model explains": model(f"explain analyze {OVERWRITE}", "found explain statement"),
    "model inserts inside": model(
        "with t as (insert into scorehouse.nodes default values returning *) select * from t", "found insert statement"
    ),
    "model is written in Python": alone(
        Attack({"models/features/evil.py": "def model(dbt, session):\n    return session.sql('select 1')\n"}, ("found py",))
    ),
    "model is an external file": alone(configured("materialized='external', location='@main@/evil.parquet'", "found external")),
    "model calls itself a path": configured("alias='x/../../main/evil'", "found", "x/../../main/evil"),
    "model's schema is a path": configured("schema='x/../../main', alias='evil'", "found", "x/../../main"),
    "model's name ends its quotes": configured(f'alias="x\\" as select 1; {OVERWRITE}; --"', "found", 'x\\"'),
    "model's partition ends its quotes": configured(
        f"""materialized='partitioned', meta={{'partition_by': "occurred_at\\"), 'x'), 'y'); {OVERWRITE}; --"}}""",
        "found",
        "occurred_at",
        sql="select * from {{ ref('stg_events') }}\n",
    ),
    "contract's check ends its bracket": contract(
        "{name: number, data_type: integer, constraints: [{type: check,"
        f' expression: "true)); {OVERWRITE}; create temp table evil (a integer check (true"}}]}}',
        "found",
        "statements",
    ),
    "contract's type ends its bracket": contract(
        f'{{name: number, data_type: "integer); {OVERWRITE}; create temp table evil (a integer"}}',
        "expected a contract of columns",
    ),
    "endpoint's key ends its quotes": endpoint(f'number")); {OVERWRITE}; --', "found", 'number"'),
    "source's type ends its bracket": source_column(
        "varchar) is null; copy (select 66) to '@main@/CURRENT' (format csv, header false); select (1", "found", "varchar)"
    ),
    "source's type reads a file": source_column(
        "varchar) || (select content from read_text('/etc/passwd')) || cast('' as varchar", "expected a data type"
    ),
    # -------- what dbt sends by itself: hooks, macros, tests
    "pre-hook attaches": pre_hook("attach '@main@/catalog.duckdb' as main_catalog", "found attach statement"),
    "post-hook attaches": post_hook("attach '@main@/catalog.duckdb' as main_catalog", "found attach statement"),
    "macro attaches": run_query("attach '@main@/catalog.duckdb' as main_catalog", "found attach statement"),
    "macro attaches the work database": run_query("attach '@main@/.work/warehouse.duckdb' as w", "found attach statement"),
    "statement attaches": statement("attach '@main@/catalog.duckdb' as main_catalog", "found attach statement"),
    "adapter attaches": adapter_execute("attach '@main@/catalog.duckdb' as main_catalog", "found attach statement"),
    "materialization attaches": alone(materialization("attach '@main@/catalog.duckdb' as main_catalog", "found evil")),
    "analysis attaches": analysis("{% do run_query(\"attach '@main@/catalog.duckdb'\") %}", "found attach statement"),
    "shown query attaches": shown("{{ run_query(\"attach '@main@/catalog.duckdb'\") }}", "found attach statement"),
    "singular test attaches": singular_test("attach '@main@/catalog.duckdb'", "found attach statement"),
    "generic test attaches": generic_test("attach '@main@/catalog.duckdb'", "found attach statement"),
    "singular test is two statements": singular_test(f"select 1 as a where false; {OVERWRITE}", "found 2 statements"),
    "generic test is two statements": generic_test(f"select 1 as a where false; {OVERWRITE}", "found 2 statements"),
    "unit test is two statements": unit_test(
        f"select 'a' as kind) select 1 as kind; {OVERWRITE}; with x as (select 'a' as kind", "syntax error"
    ),
    "snapshot is two statements": alone(snapshot(f"select 1 as number) as s; {OVERWRITE}; select (1", "found snapshot")),
    "test counts by a second statement": singular_test(
        f'{{{{ config(fail_calc="count(*) from x; {OVERWRITE}; select 1") }}}} select 1 as a where false',
        "found copy statement",
    ),
    "macro after a query": run_query(f"select 1; {OVERWRITE}", "found copy statement"),
    "macro copies into the store": run_query(OVERWRITE, "found copy statement"),
    "macro copies into main": run_query("copy (select 66) to '@main@/CURRENT' (format csv)", "found copy statement"),
    "macro copies while it explains": run_query(f"explain analyze {OVERWRITE}", "found", "explain"),
    "hook copies while it explains": pre_hook(f"explain analyze {OVERWRITE}", "found", "explain"),
    "macro exports": run_query("export database '@store@/evil'", "found export statement"),
    "macro imports": run_query("import database '@store@/evil'", "found pragma statement"),
    "macro copies out of a file": run_query("copy scorehouse.nodes from '/etc/passwd'", "found copy"),
    "macro copies a database": run_query("copy from database warehouse to main_catalog", "Refused", "found"),
    "macro prepares": run_query(f"prepare evil as {OVERWRITE}", "found prepare statement"),
    "macro installs": run_query("install httpfs", "found load statement"),
    "macro force-installs": run_query("force install httpfs from 'http://localhost:1'", "found load statement"),
    "macro loads": run_query("load httpfs", "found load statement"),
    "macro loads a file": run_query("load '@out@.duckdb_extension'", "found load statement"),
    "macro updates extensions": run_query("update extensions", "Refused", "update extensions"),
    "macro sets": run_query("set enable_external_access = true", "found set statement"),
    "macro sets while it explains": run_query("explain analyze set enable_external_access = true", "enable_external_access"),
    "macro unlocks": run_query("set lock_configuration = false", "found set statement"),
    "macro sets for all": run_query("set global allowed_directories = ['/']", "found set statement"),
    "macro resets": run_query("reset lock_configuration", "found set statement"),
    "macro uses a pragma": run_query("pragma enable_profiling", "found", "pragma"),
    "macro sets by a pragma": run_query("pragma memory_limit = '100GB'", "Refused", "found"),
    "macro calls": run_query("call enable_logging()", "found call statement"),
    "macro logs to a file": run_query("select * from enable_logging(storage = 'file')", "enable_logging"),
    "macro profiles to a file": run_query("select * from enable_profiling(save_location = '@out@')", "enable_profiling"),
    "macro detaches": run_query("detach warehouse", "found detach statement"),
    "macro keeps a secret": run_query("create persistent secret evil (type http)", "Refused", "found create statement"),
    "macro keeps a secret behind a comment": run_query(
        "create /* a comment that is longer than forty characters */ persistent secret evil (type http)",
        "found create statement",
    ),
    "macro reads text": run_query("select content from read_text('/etc/passwd')", "found read_text()"),
    "macro reads csv": run_query("create table t as from read_csv('/etc/passwd')", "found create statement"),
    "macro reads a file by its name": run_query("from '/etc/passwd.csv'", 'access file "/etc/passwd.csv"'),
    "macro lists files": run_query("select * from glob('/etc/*')", "found glob()"),
    "macro lists the store": run_query("select * from glob('@store@/*/*')", "found", "glob"),
    "macro leaves the store": run_query("from '@store@/../main/CURRENT.csv'", "Cannot access file"),
    "macro reads the environment": run_query("select getenv('HOME')", "found getenv()"),
    "macro reads databases": run_query("create table t as select path from duckdb_databases()", "found create statement"),
    "macro reads settings": run_query("from duckdb_settings()", "found duckdb_settings()"),
    "hook reads text": pre_hook("create table t as from read_text('/etc/passwd')", "found create statement"),
    "singular test reads text": singular_test("select * from read_text('/etc/passwd')", "found read_text()"),
    "singular test draws at random": singular_test("select 1 as a where random() > 2", "found ran"),
    "generic test reads databases": generic_test("select * from duckdb_databases() where false", "found duckdb_databases()"),
    "test counts by reading text": singular_test(
        "{{ config(fail_calc=\"(select count(*) from read_text('/etc/passwd'))\") }} select 1 as a where false",
        "found read_text()",
    ),
    "unit test reads text": unit_test("select content as kind from read_text('/etc/passwd')", "found read_text()"),
    "shown query reads text": shown("select content from read_text('/etc/passwd')", "found read_text()"),
    "shown query reads settings": shown("select name, value from duckdb_settings()", "found duckdb_settings()"),
    "shown query reads the environment": shown("select getenv('HOME')", "getenv"),
    "shown query is two statements": shown(f"select 1 as number; {OVERWRITE}; select 1", "found copy statement"),
    # -------- statements that stay in the work database, and yet change what main would take from the store
    "hook replaces another model": pre_hook("create or replace view features.weighted as select 66 as value", "found create"),
    "hook replaces a function": pre_hook("create or replace macro functions.twice(x) as 66", "found create"),
    "hook replaces a built-in function": pre_hook("create or replace macro main.sum(x) as 66", "found create"),
    "hook replaces a function for its session": pre_hook("create or replace temp macro lower(x) as 66", "found create"),
    "hook drops another model": pre_hook("drop view features.weighted cascade", "found drop"),
    "hook forges a record": pre_hook("update scorehouse.nodes set fingerprint = 'evil'", "found update"),
    "hook deletes a record": pre_hook("delete from scorehouse.nodes", "found delete"),
    "hook forges a passed test": pre_hook("insert into scorehouse.passed_tests values ('evil', 'evil')", "found insert"),
    "hook alters a record": pre_hook("alter table scorehouse.passed_tests add column evil integer", "found alter"),
    # -------- Jinja
    "Jinja climbs by a class": jinja("{{ ''.__class__.__mro__ }}", "__class__", "unsafe"),
    "Jinja climbs by globals": jinja("{{ ref.__init__.__globals__ }}", "__init__", "unsafe"),
    "Jinja includes a file": jinja("{% include '/etc/passwd' %}", "loader"),
    "Jinja asks for a function's SQL": jinja(
        "{% do scorehouse('function', node_id='function.tiny.twice', body=\"66) as double)); " + OVERWRITE + '; --") %}',
        "found",
    ),
    "Jinja asks for a table's columns": jinja(
        "{% do scorehouse('table', node_id='model.tiny.unrelated', sql='select 1 as a', columns_ddl=\"(a integer); "
        + OVERWRITE
        + '; create temp table t (a integer)") %}',
        "found",
        "statements",
    ),
    "Jinja asks to drop main": jinja("{% do scorehouse('drop_branch', branch='main') %}", "found a node asking"),
    "Jinja asks to drop a branch": jinja("{% do scorehouse('drop_branch', branch='other') %}", "found a node asking"),
    "Jinja asks to delete": jinja("{% do scorehouse('collect_garbage', delete=true) %}", "found a node asking"),
    "Jinja asks to roll back": jinja("{% do scorehouse('rollback', to=1) %}", "found a node asking"),
    "Jinja asks to publish": jinja(
        "{% do scorehouse('finish', statuses={}, command='build', is_empty=false) %}", "found a node asking"
    ),
    # -------- estimators are classes of scikit-learn's interface
    "estimator is a program": fitted(
        "estimator: subprocess.Popen, parameters: {args: [touch, '@out@']}", "found 'subprocess.Popen'"
    ),
    "estimator in an estimator is a program": fitted(
        "estimator: sklearn.ensemble.BaggingRegressor, parameters: {estimator: {estimator: subprocess.Popen,"
        " parameters: {args: [touch, '@out@']}}}",
        "found 'subprocess.Popen'",
    ),
    "transformer is a program": fitted(
        "estimator: sklearn.linear_model.Ridge, steps: [{transformer: subprocess.Popen, parameters: {args: [touch, '@out@']}}]",
        "found 'subprocess.Popen'",
    ),
    "estimator is a function": fitted("estimator: os.system, parameters: {command: 'touch @out@'}", "found 'os.system'"),
    "estimator is a class of another library": fitted(
        "estimator: numpy.lib.npyio.NpzFile, parameters: {fid: '@out@'}", "found 'numpy.lib.npyio.NpzFile'"
    ),
    "estimator is a class without the interface": fitted(
        "estimator: sklearn.utils.Bunch, parameters: {a: 1}", "found 'sklearn.utils.Bunch'", "no get_params"
    ),
    # -------- SQL functions and seeds
    "SQL function reads text": sql_function("(select content from read_text('/etc/passwd'))", "found read_text()"),
    "SQL function draws at random": sql_function("x * random()", "found ran"),
    "SQL function asks the time": sql_function("epoch(now())", "found now()"),
    "SQL function reads databases": sql_function("(select count(*) from duckdb_databases())", "found duckdb_databases()"),
    "SQL function closes its bracket": sql_function(f"1) as double)); {OVERWRITE}; select ((cast(1", "found"),
    "SQL function's type closes its bracket": sql_function("1", "found", returns=f"double)); {OVERWRITE}; --"),
    "seed is a link to another file": alone(
        Attack({"seeds/evil.csv": Path("/etc/passwd")}, ("evil.csv", "found a link to /etc/passwd"))
    ),
    "seed's type is a statement": Attack(
        {
            "seeds/evil.csv": "number\n1\n",
            "seeds/evil.yml": f'seeds: [{{name: evil, config: {{column_types: {{number: "int); {OVERWRITE}; --"}}}}}}]\n',
        },
        ("evil.csv", "found"),
    ),
    "seed's delimiter is a statement": Attack(
        {
            "seeds/evil.csv": "number\n1\n",
            "seeds/evil.yml": f'seeds: [{{name: evil, config: {{delimiter: "\'); {OVERWRITE}; --"}}}}]\n',
        },
        ("delimiter", "expected one character"),
    ),
    # -------- Python functions (tests/unit/test_functions.py has many more)
    "Python imports os": alone(
        python_function("import os\nos.system('touch @out@')", "evil_function.py, line 1", "found import os")
    ),
    "Python says another thing in another encoding": alone(
        python_function(
            "# -*- coding: utf-7 -*-\n# +AAo-import os+AAo-os.system('touch @out@')+AAo-main = print\n",
            "evil_function.py",
            "expected a function main",
        )
    ),
    "Python takes the name of a built-in function": alone(
        Attack(
            {
                "udfs/lower.py": "def main(x):\n    return x\n",
                "udfs/lower.yml": PYTHON_NODE.format(name="lower"),
                "models/features/evil.sql": "select lower('A') as letter\n",
            },
            ("udfs/lower.py", "found lower, which is DuckDB's"),
        )
    ),
    # -------- for ever, and all memory
    "model runs for ever": endless(model(ENDLESS_SQL, "features.evil: ", LATE)),
    "macro runs for ever": endless(run_query(ENDLESS_SQL, LATE)),
    "hook runs for ever": endless(pre_hook(ENDLESS_SQL, LATE)),
    "singular test runs for ever": endless(singular_test(ENDLESS_SQL, LATE)),
    "model sleeps": model("select sleep_ms(100000000) as number", "found sleep_ms()"),
    "Python runs for ever": ended(
        python_function("def main(x):\n    for i in range(10**18):\n        pass\n    return x", "features.evil: ", LATE)
    ),
    "Python holds the interpreter for ever": ended(
        python_function("def main(x):\n    return [sum(range(10**18))]", "evil_function.py", "line 2 in main")
    ),
    "model eats memory": greedy(
        model(
            "select a.i as number, list(b.i order by b.i desc) as others from range(100000) as a(i)"
            " cross join range(100000) as b(i) group by all",
            "Out of Memory",
        )
    ),
    "model makes a long list": greedy(model("select len(range(4_000_000_000)) as number", "Out of Memory")),
    "macro eats memory": greedy(run_query("select list(i) from range(1000000000) as t(i)", "Out of Memory")),
    "Python eats memory": greedy(
        python_function("import numpy as np\n\n\ndef main(x):\n    return np.ones(4_000_000_000)", "Unable to allocate")
    ),
    "model is nested too deep": model(f"select {'(' * 20_000}1{')' * 20_000} as number", "evil.sql", "cannot be read"),
}


# ---------------------------------------------------------------- the tests

SECONDS = 60
"""A process that still runs then was not stopped: its own limit is 2 seconds."""

Refusals = dict[str, list[str]]
"""Name of an attack -> what dbt says of its nodes that failed."""


@pytest.fixture(scope="module")
def shop(tiny_template: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project built on main, which all attacks share; each leaves as it came, or its test fails."""
    root = tmp_path_factory.mktemp("attacked") / "tiny"
    shutil.copytree(tiny_template.root, root, ignore=shutil.ignore_patterns("warehouse"))
    project = Project(root)
    project.build()
    return project


@pytest.fixture(scope="module")
def together(shop: Project) -> Callable[[tuple[str, ...]], Refusals]:
    """One build of all attacks that are independent nodes under the same variables, each under a number of its own."""
    return cache(lambda variables: _build_together(shop, variables))


@pytest.mark.drill
@pytest.mark.parametrize("name", [name for name, attack in ATTACKS.items() if attack.how == "together"])
def test_an_attack_is_refused_by_name(together: Callable[[tuple[str, ...]], Refusals], name: str) -> None:
    attack = ATTACKS[name]
    refusals = together(attack.variables)[name]
    words = [word.replace("evil", _evil(name)) for word in attack.found]
    assert any(all(word in line for word in words) for line in refusals), refusals or "built"


@pytest.mark.drill
@pytest.mark.parametrize("name", [name for name, attack in ATTACKS.items() if attack.how != "together"])
def test_an_attack_on_the_whole_run_is_stopped_by_name(shop: Project, name: str) -> None:
    attack = ATTACKS[name]
    command = [_filled(word, shop) for word in attack.command] + list(attack.variables)
    with _files(shop, attack.files), _unharmed(shop):
        outcome = _run_to_the_end(shop, command) if attack.how == "ended" else shop.dbt(*command, branch="attack")
    assert not outcome.is_green, outcome.output
    assert any(all(word in line for word in attack.found) for line in outcome.output.splitlines()), outcome.output


def _build_together(project: Project, variables: tuple[str, ...]) -> Refusals:
    attacks = {name: attack for name, attack in ATTACKS.items() if attack.how == "together" and attack.variables == variables}
    files: dict[str, str | Path] = {}
    for name, attack in attacks.items():
        for path, content in attack.files.items():
            own = content if isinstance(content, Path) else content.replace("evil", _evil(name))
            files[path.replace("evil", _evil(name))] = own
    with _files(project, files), _unharmed(project):
        outcome = _run_to_the_end(project, ["build", "--select", "evil_*", *variables])
    results = project.root / "target/run_results.json"
    assert results.exists(), outcome.output
    results = json.loads(results.read_text())["results"]
    assert len(results) >= len(attacks), outcome.output
    failed = [result for result in results if result["status"] in ("error", "fail")]
    return {
        name: [line for result in failed if _evil(name) in result["unique_id"] for line in result["message"].splitlines()]
        for name in attacks
    }


def _evil(name: str) -> str:
    """What an attack calls itself where all are built together."""
    return f"evil_{list(ATTACKS).index(name):03}"


def _filled(text: str, project: Project) -> str:
    store = project.warehouse / "store"
    places = {
        "@main@": project.folder(),
        "@store@": store,
        "@file@": next((store / "features.weighted").glob("*.duckdb")),
        "@out@": project.root / "escaped",
    }
    for place, path in places.items():
        text = text.replace(place, str(path))
    return text


@contextmanager
def _files(project: Project, files: dict[str, str | Path]) -> Iterator[None]:
    """The branch has these files for a while."""
    try:
        for path, content in files.items():
            if isinstance(content, Path):
                (project.root / path).symlink_to(content)
            else:
                project.write(path, _filled(content, project))
        yield
    finally:
        for path in files:
            (project.root / path).unlink()
        shutil.rmtree(project.folder("attack"), ignore_errors=True)


@contextmanager
def _unharmed(project: Project) -> Iterator[None]:
    """Afterwards every file of main and of the store is what it was, main has no other, and nothing was made elsewhere."""
    before = _bytes_of(project.warehouse)
    yield
    after = _bytes_of(project.warehouse)
    assert {path: after.get(path) for path in before} == before
    assert not any(path.startswith("main/") for path in after.keys() - before.keys())
    assert not list(project.root.glob("escaped*"))


def _bytes_of(warehouse: Path) -> dict[str, str]:
    """Hash of every file of main and of the store, by path; a folder has none."""
    found = [path for folder in ("main", "store") for path in (warehouse / folder).rglob("*")]
    paths = [path for path in found if not path.name.endswith(".tmp")]  # of a process that was ended: the next one sweeps them
    return {
        str(path.relative_to(warehouse)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        for path in paths
    }


def _run_to_the_end(project: Project, command: list[str]) -> Outcome:
    """Run dbt in a process of its own; one that does not end counts as green: nothing stopped it."""
    process = project.start(*command, branch="attack")
    try:
        output, _ = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        return Outcome(0, f"{output}\nstill running after {SECONDS} seconds")
    return Outcome(process.returncode, output)
