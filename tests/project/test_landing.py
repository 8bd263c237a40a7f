"""A user's own data in the landing contract: what may be missing, odd or wrong."""

import json
import shutil
from pathlib import Path

import duckdb
import pytest

from project.harness import Outcome, Project, copy_of_the_project
from scorehouse.sources.keyed import Key
from scorehouse.sources.personal import pseudonym

KEY = Key("nobody guesses these bytes")

PURCHASES = """
with customers as (
    select c, hash(c, 'start') % 400 as first_day, 20 + hash(c, 'life') % 400 as active_days from range(400) as t(c)
)
select
    'i' || c || '-' || i as interaction_id,
    timestamp '2024-01-01' + interval (first_day + hash(c, i) % active_days) day
    + interval (hash(c, i, 's') % 86400) second as occurred_at,
    'c' || c as customer_id,
    case hash(c, i, 't') % 20 when 0 then 'wishlist' when 1 then 'Cancel' else 'purchase' end as interaction_type,
    'item' || hash(c, i, 'x') % 50 as item_id,
    round(1 + hash(c, i, 'a') % 5000 / 100, 2) as amount
from customers, range(16) as t(i)
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return copy_of_the_project(tmp_path_factory.mktemp("shop"))


def build(shop: Project, files: dict[str, str], branch: str, *arguments: str, more: str = "", key: str = "") -> Outcome:
    """Build from a folder with these files: path -> the query that fills it, or a text; `more` are other variables."""
    folder = shop.root / "mine"
    shutil.rmtree(folder, ignore_errors=True)
    for path, content in files.items():
        write(folder / path, content)
    variables = f"{{interaction_sources: [landing], landing_path: {folder}, fresh_data: true{more}}}"
    return shop.dbt("build", "--vars", variables, *arguments, branch=branch, SCOREHOUSE_PERSONAL_KEY=key)


def write(file: Path, content: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    if "select" in content:
        kind = "format csv, header" if file.suffix == ".csv" else "format parquet"
        duckdb.execute(f"copy ({content}) to '{file}' ({kind})")
    else:
        file.write_text(content)


def test_purchases_alone_become_scores_and_offers(shop: Project) -> None:
    before_customers_fade = f"select * from ({PURCHASES}) where occurred_at < '2025-10-01'"
    outcome = build(shop, {"interactions/all.parquet": before_customers_fade}, "purchases", more=", products: [churn]")
    assert outcome.is_green, outcome.output
    without_monitoring = outcome.output.replace("Warning in test monitoring_finds_no_warning", "")  # these customers do fade
    assert "Warning" not in without_monitoring
    ((customers, wishes),) = shop.catalog(
        "select count(distinct customer_id) filter (where interaction_type = 'purchase'),"
        " count(*) filter (where interaction_type = 'wishlist') from intermediate.int_interactions",
        "purchases",
    )
    assert wishes > 100
    assert shop.serving("select count(*), count(score), count(distinct model_version) from churn_risk", "purchases") == [
        (customers, customers, 1)
    ]
    ((auc,),) = shop.catalog(
        "select m.value from learning.churn__logistic, unnest(metrics) as listed(m)"
        " where m.split = 'test' and m.metric = 'auc' and m.slice = 'all'",
        "purchases",
    )
    assert auc > 0.7
    assert shop.serving("select count(*) > 0 from coupon_offers where gets_coupon", "purchases") == [(True,)]


def test_csv_extra_columns_and_unusable_rows_arrive_where_they_belong(shop: Project) -> None:
    row = "select {} as interaction_id, '2024-02-01' as occurred_at, 'c' as customer_id, 'purchase' as interaction_type"
    files = {
        "interactions/a.csv": PURCHASES.replace("as amount", "as amount, 'red' as colour") + " limit 20",
        "interactions/b.csv": row.format("null") + ", 'inf' as amount",
        "interactions/c.parquet": row.format("'x'") + ", 'inf' as amount",
    }
    only = ", products: [churn], publish_empty: true"
    outcome = build(shop, files, "csv", more=only)
    assert outcome.is_green, outcome.output
    assert shop.catalog("select rejection_reason from staging.stg_landing__rejected order by 1", "csv") == [
        ("impossible amount",),
        ("impossible amount",),
    ]
    assert shop.catalog("select distinct properties ->> 'colour' from staging.stg_landing__interactions", "csv") == [("red",)]
    query = "select fingerprint from scorehouse.nodes where relation = 'staging.stg_landing__received'"
    logic = query.replace("fingerprint", "logic")
    before = shop.work("csv", query), shop.work("csv", logic)
    files["interactions/d.csv"] = row.format("'y'") + """, 5 as amount, 'b' as "Colour", '[1]' as properties"""
    selected = ("--select", "+stg_landing__interactions")
    assert build(shop, files, "csv", *selected, more=only).is_green
    found = shop.work("csv", "select properties from staging.stg_landing__interactions where interaction_id = 'y'")
    assert [json.loads(text) for (text,) in found] == [{"properties": [1], "Colour": "b"}]
    assert before[0] != shop.work("csv", query)
    assert before[1] == shop.work("csv", logic), "a new column is new data, not a new question"
    assert shop.serving("select distinct left(status, 6) from endpoints where name = 'churn_risk'", "csv") == [("empty:",)]


def test_no_rows_give_empty_tables_that_say_so(shop: Project) -> None:
    outcome = build(shop, {"interactions/all.parquet": f"from ({PURCHASES}) limit 0"}, "no-rows", more=", publish_empty: true")
    assert outcome.is_green, outcome.output
    assert shop.serving("select count(*) from churn_risk", "no-rows") == [(0,)]
    assert shop.serving("select distinct left(status, 6) from endpoints", "no-rows") == [("empty:",)]


def test_one_customer_with_a_long_history_is_no_failure(shop: Project) -> None:
    outcome = build(shop, {"interactions/all.parquet": f"select * replace ('ada' as customer_id) from ({PURCHASES})"}, "one")
    assert outcome.is_green, outcome.output
    assert shop.serving("select count(*) from coupon_offers", "one") == [(0,)]


def test_a_file_that_breaks_the_contract_stops_the_build_with_one_sentence(shop: Project) -> None:
    outcome = build(shop, {"interactions/a.csv": "interaction_id,when,customer_id,interaction_type\ni,soon,c,view\n"}, "wrong")
    assert not outcome.is_green
    words = ["interactions/a.csv", "expected the required column occurred_at", "found only interaction_id, when"]
    assert [line for line in outcome.output.splitlines() if all(word in line for word in words)], outcome.output


ELSEWHERE = {
    "orders/a.csv": "orders/ is not read: it is none of the folders that are looked for; rename it to interactions/",
    "interaction/a.parquet": "rename it to interactions/",
    "a.csv": "a.csv is not read: it lies beside the folders; move it into interactions/",
    "interactions/a.txt": "expected files of Parquet, CSV",
    "items/a.csv": "expected files in interactions/, found none",
}


@pytest.mark.parametrize("path", ELSEWHERE)
def test_a_folder_without_interactions_is_no_green_build(shop: Project, path: str) -> None:
    outcome = build(shop, {path: PURCHASES.replace("as customer_id", "as item_id") if "items" in path else PURCHASES}, "nowhere")
    assert not outcome.is_green
    assert [line for line in outcome.output.splitlines() if str(shop.root / "mine") in line and ELSEWHERE[path] in line], (
        outcome.output
    )


STAGED = (
    "--select",
    "+stg_landing__rejected",
    "+stg_landing__rejected_items",
    "+stg_landing__interactions",
    "+stg_landing__items",
    "+stg_landing__customers",
)


def test_one_bad_cell_rejects_its_row_and_the_last_lines_say_so(shop: Project) -> None:
    head = "interaction_id,occurred_at,customer_id,interaction_type,amount,propensity,position\n"
    rows = (
        "1,2026-01-03 10:15:00 -0500,17850.0,purchase,1,0.5,1\n2,2026-07-03 10:15 BST,ada,purchase,1,,\n"
        "3,2026-01-03,ada,purchase,1,1.5,\n4,2026-01-03,ada,purchase,1,,-1\n5,2026-01-03,NULL,purchase,1,,\n"
    )
    files = {
        "interactions/jan.csv": head + rows,
        "interactions/feb.csv": head + "6,2026-02-03,17850,purchase,2,,\n",
        "interactions/notes.txt": "to read",
        "items/jan.csv": "item_id,price,title,brand,colour\ntea,4.0,Tea,B,red\n",
        "items/feb.csv": "item_id,price,colour,size\ntea,6.0,,XL\n",
        "customers/2026-01.csv": "customer_id,country,email\n17850,FR,a@example.org\n",
        "customers/2026-02.csv": "customer_id,country\n17850.0,DE\n",
    }
    outcome = build(shop, files, "bad-cells", *STAGED)
    assert outcome.is_green, outcome.output
    query = (
        "select source_file, source_line, rejection_reason, rejected_column, rejected_value from staging.stg_landing__rejected"
    )
    assert shop.work("bad-cells", f"{query} order by source_line") == [
        ("interactions/jan.csv", 3, "unreadable occurred_at", "occurred_at", "2026-07-03 10:15 BST"),
        ("interactions/jan.csv", 4, "impossible propensity", "propensity", "1.5"),
        ("interactions/jan.csv", 5, "impossible position", "position", "-1"),
        ("interactions/jan.csv", 6, "no customer id", "customer_id", None),
    ]
    kept = "select customer_id, cast(min(occurred_at) as varchar), count(*) from staging.stg_landing__interactions group by all"
    assert shop.work("bad-cells", kept) == [("17850", "2026-01-03 15:15:00", 2)]
    told = "select title, price, properties ->> ['$.brand', '$.colour', '$.size'] from staging.stg_landing__items"
    assert shop.work("bad-cells", told) == [("Tea", 6.0, ["B", "red", "XL"])]
    assert shop.work("bad-cells", "select country from staging.stg_landing__customers") == [("DE",)]
    for line in (
        "interactions/jan.csv: 5 rows read, 4 rejected: 1 impossible position (first: line 5, position '-1')",
        "interactions/feb.csv: 1 row read, 0 rejected.",
        "interactions/notes.txt is not read: expected Parquet, CSV",
    ):
        assert line in outcome.output, outcome.output


SHOPIFY = (
    "Name,Email,Created at,Lineitem sku,Lineitem quantity,Lineitem price\n"
    "#1,ada@example.org,2026-01-03 10:15:00 -0500,TEA,2,9.80\n"
)
CALLED = (
    "{occurred_at: Created at, customer_id: Email, session_id: Name, item_id: Lineitem sku, quantity: Lineitem quantity,"
    " unit_price: Lineitem price, interaction_type: =purchase}"
)


def test_an_export_lands_by_what_its_files_are_said_to_call_the_columns(shop: Project) -> None:
    more = f", landing_columns: {{interactions: {CALLED}}}, products: [recommendations]"
    items = "item_id,title,price\ntea,Tea,4 EUR\n,Nobody,1\n"
    outcome = build(shop, {"interactions/a.csv": SHOPIFY, "items/a.csv": items}, "export", *STAGED, more=more, key=KEY.secret)
    assert outcome.is_green, outcome.output
    assert "items/a.csv: 2 rows read, 2 rejected: 1 no item id" in outcome.output, outcome.output
    assert shop.work("export", "select customer_id, item_id, amount from staging.stg_landing__interactions") == [
        (pseudonym("ada@example.org", KEY), "TEA", 19.6)
    ]
    without = build(shop, {"interactions/a.csv": SHOPIFY}, "export", *STAGED, more=more)
    assert "column customer_id: expected ids that name nobody, found people's data, and no key" in without.output, without.output
    for wrong, words in (
        ("{interaction: {}}", "expected tables among customers, interactions, items, labels, found interaction; correct it"),
        ("{interactions: {prize: x}}", "found prize; correct it"),
    ):
        refused = build(shop, {"interactions/a.csv": SHOPIFY}, "export", *STAGED, more=f", landing_columns: {wrong}")
        assert words in refused.output, refused.output


def test_what_is_impossible_of_an_item_a_customer_or_a_label_is_rejected_and_the_rest_counts(shop: Project) -> None:
    label = "label,entity_type,entity_id,value,occurred_at,known_at\n"
    files = {
        "interactions/a.csv": PURCHASES,
        "items/a.csv": "item_id,price,updated_at\ntea,4,\ntea,-1,\nmug,inf,\npot,2,0001-01-01\n,3,\n",
        "customers/a.csv": "customer_id,signed_up_at\nada,2024-01-01\nbob,9999-01-01\n",
        "labels/a.csv": label
        + "fraud,interaction,1,1,2024-01-01,2024-02-01\nfraud,interaction,1,0,2024-01-01,2024-03-01\n"
        + "fraud,interaction,2,,2024-01-01,\nfraud,interaction,3,inf,2024-01-01,\n,interaction,4,1,2024-01-01,\n"
        + "fraud,interaction,5,1,2024-01-01,\nfraud,interaction,5,0,2024-01-01,\nfraud,interaction,6,1,2024-01-01,\n"
        + "fraud,interaction ,7,1,2024-01-01,\nFraud,Interaction,7,0,2024-01-01,\n",
    }
    rejected = [f"stg_landing__rejected_{table}" for table in ("items", "customers", "labels")]
    selected = ("--select", *(f"+{name}" for name in rejected), "+stg_landing__items", "+stg_landing__customers", "+int_labels")
    outcome = build(shop, files, "impossible", *selected)
    assert outcome.is_green, outcome.output
    columns = "select source_file, source_line, rejection_reason, rejected_value from staging"
    query = " union all ".join(f"{columns}.{name}" for name in rejected)
    assert shop.work("impossible", f"{query} order by all") == [
        ("customers/a.csv", 3, "impossible date", "9999-01-01 00:00:00"),
        ("items/a.csv", 3, "impossible price", "-1.0"),
        ("items/a.csv", 4, "impossible price", "inf"),
        ("items/a.csv", 5, "impossible date", "0001-01-01 00:00:00"),
        ("items/a.csv", 6, "no item id", None),
        ("labels/a.csv", 4, "no value", None),
        ("labels/a.csv", 5, "impossible value", "inf"),
        ("labels/a.csv", 6, "no label", None),
        ("labels/a.csv", 7, "label contradicted", "1.0"),
        ("labels/a.csv", 8, "label contradicted", "0.0"),
        ("labels/a.csv", 10, "label contradicted", "1.0"),
        ("labels/a.csv", 11, "label contradicted", "0.0"),
    ]
    assert shop.work("impossible", "select item_id, price from staging.stg_landing__items") == [("tea", 4.0)]
    assert shop.work("impossible", "select customer_id from staging.stg_landing__customers") == [("ada",)]
    assert shop.work("impossible", "select entity_id, value from intermediate.int_labels order by 1") == [("1", 0.0), ("6", 1.0)]


def test_lines_of_orders_under_one_id_do_not_publish_and_are_all_kept_without_it(shop: Project) -> None:
    only = ", products: [segments]"
    lines = f"select * replace (split_part(interaction_id, '-', 1) as interaction_id) from ({PURCHASES})"
    outcome = build(shop, {"interactions/orders.csv": lines}, "lines", more=only)
    assert not outcome.is_green
    for words in (
        "Nothing published",
        "interactions/orders.csv",
        "6,000 of 6,400",
        "order id and line number",
        "from the row",
        "interactions/orders.csv: 6,400 rows read, 6,000 rejected",
    ):
        assert words in outcome.output, outcome.output
    without = {"interactions/orders.csv": f"select * exclude (interaction_id) from ({PURCHASES})"}
    assert build(shop, without, "lines", more=only).is_green
    count, money = "count(*), count(distinct interaction_id)", "round(sum(amount), 2)"
    assert shop.catalog(f"select {count}, {money} from staging.stg_landing__interactions", "lines") == [
        (6400, 6400, duckdb.sql(f"select {money} from ({PURCHASES})").fetchall()[0][0])
    ]
    of_one_item = f"from ({PURCHASES}) where item_id = 'item7'"
    more = without | {
        "interactions/sent_again.csv": f"select * exclude (interaction_id) from ({PURCHASES}) limit 100",
        "interactions/alike.csv": f"{of_one_item} union all {of_one_item}",
    }
    ((alike,),) = duckdb.sql(f"select count(*) from ({of_one_item})").fetchall()
    assert build(shop, more, "lines", *STAGED, more=only).is_green
    reasons = "select rejection_reason, count(*) from staging.stg_landing__rejected group by all order by all"
    assert shop.work("lines", reasons) == [("interaction id repeated in its file", alike), ("sent again", 100)]


def test_a_release_that_lost_its_rows_is_not_published_unless_that_is_wanted(shop: Project) -> None:
    only = ", products: [recommendations]"
    assert build(shop, {"interactions/all.parquet": PURCHASES}, "emptied", more=only).is_green
    release = shop.release("emptied")
    views = f"select * replace ('view' as interaction_type, null as item_id) from ({PURCHASES})"
    outcome = build(shop, {"interactions/all.parquet": views}, "emptied", more=only)
    assert not outcome.is_green
    assert "Nothing published: expected rows in what is served, found none in popular_items" in outcome.output, outcome.output
    assert shop.release("emptied") == release
    assert build(shop, {"interactions/all.parquet": views}, "emptied", more=f"{only}, publish_empty: true").is_green


def test_rows_that_are_sent_again_in_another_month_are_rejected_whenever_they_come(shop: Project) -> None:
    first = f"from ({PURCHASES}) where occurred_at < '2024-03-01' and interaction_type = 'purchase' limit 50"
    again = f"select * replace (occurred_at + interval 40 day as occurred_at) from ({first}) limit 9"
    files = {"interactions/a.parquet": first, "interactions/b.csv": again}
    selected = ("--select", "+stg_landing__rejected", "+stg_landing__interactions")
    assert build(shop, {"interactions/a.parquet": first}, "one-by-one", *selected).is_green
    for branch in ("one-by-one", "at-once"):
        outcome = build(shop, files, branch, *selected)
        assert outcome.is_green, outcome.output
        assert shop.work(branch, "select rejection_reason, count(*) from staging.stg_landing__rejected group by all") == [
            ("interaction id repeated with other content", 9)
        ]
        assert shop.work(branch, "select count(*), max(occurred_at) < '2024-03-01' from staging.stg_landing__interactions") == [
            (50, True)
        ]


def test_a_new_month_computes_no_older_one(shop: Project) -> None:
    selected = ("--select", "+stg_landing__rejected", "+stg_landing__interactions")
    file = "interactions/{}.parquet"
    query = f"from ({PURCHASES}) where month(occurred_at) = {{}} and year(occurred_at) = 2024"
    files = {file.format(month): query.format(month) for month in (4, 5)}
    stored = "select unnest(files) from scorehouse.nodes where node_id like '%stg_landing__interactions'"
    assert build(shop, files, "months", *selected).is_green
    before = set(shop.work("months", stored))
    assert build(shop, files | {file.format(6): query.format(6)}, "months", *selected).is_green
    after = set(shop.work("months", stored))
    assert before < after and len(after - before) == 1
    ordered = "select details -> '$.reading.order_dependent' from scorehouse.nodes where node_id like '%stg_landing__received'"
    assert shop.work("months", ordered) == [("[]",)], "a file and a line are a row: its place among others is settled by them"


NEWEST_WITHOUT = """
select
    kind || i as interaction_id,
    timestamp '2024-03-01' - interval (i * minutes + 1) minute as occurred_at,
    'c' || i % 50 as customer_id,
    kind as interaction_type,
    case when kind <> 'view' or i >= 50 then 'item' || i % 20 end as item_id,
    case kind when 'purchase' then i >= 50 when 'wishlist' then i < 50 when 'refund' then i >= 50 else true end as has_amount,
    case when has_amount then 5 + i % 7 end as amount
from (values ('purchase', 20), ('view', 10), ('wishlist', 20), ('refund', 400), ('cancel', 25)) as kinds(kind, minutes)
cross join range(1200) as t(i)
where i * minutes < 40 * 24 * 60
"""
"""Of purchases and views the newest have no amount, and no item; wishes begin to have one; of refunds there are few."""


def test_a_column_that_no_longer_arrives_is_told(shop: Project) -> None:
    only = ("--select", "+int_as_of_times", "columns_arrive_as_usual", "--indirect-selection", "cautious")
    outcome = build(shop, {"interactions/all.parquet": f"select * exclude (has_amount) from ({NEWEST_WITHOUT})"}, "newest", *only)
    assert outcome.is_green, outcome.output
    assert "Warning in test columns_arrive_as_usual" in outcome.output
    compiled = (shop.root / "target/compiled/scorehouse/tests/singular/columns_arrive_as_usual.sql").read_text()
    sentences = [sentence for (sentence,) in shop.work("newest", compiled)]
    assert [sentence.split(":")[0] for sentence in sentences] == ["landing, purchase, amount", "landing, view, item_id"]
    assert "expected in 100% of the rows, as in the 35 days before, found in 0% of the newest 50" in sentences[0]
