"""Exports of other systems, as small look-alikes: each lands as the README says."""

import gzip
import io
import json
import re
import zipfile
from pathlib import Path

import duckdb
import pytest
import yaml

from scorehouse.sources.keyed import Key
from scorehouse.sources.personal import Personal, pseudonym
from scorehouse.sources.tables import Column, SourceTable, land, view_sql
from scorehouse.store.files import Store

PROJECT = Path(__file__).resolve().parents[3]
ROW = re.compile(r"^\| ([^|]+) \| `(\{.+\})` \|", re.MULTILINE)
CALLED = {name: yaml.safe_load(columns) for name, columns in ROW.findall((PROJECT / "README.md").read_text())}
LANDING = yaml.safe_load((PROJECT / "models/staging/landing/_landing__sources.yml").read_text())["sources"][0]
KEY = Key("nobody guesses these bytes")
PERSONAL = Personal(names=tuple(LANDING["config"]["meta"]["personal_names"]))


def contract(name: str) -> tuple[Column, ...]:
    """A table of the landing contract, as the project declares it."""
    (table,) = [table for table in LANDING["tables"] if table["name"] == name]
    meta = [(column, column.get("config", {}).get("meta", {})) for column in table["columns"]]
    return tuple(Column(c["name"], c["data_type"], m.get("required", False), m.get("kind")) for c, m in meta)


def zipped(name: str, content: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr(name, content)
    return target.getvalue()


def lines(*objects: dict[str, object]) -> bytes:
    return "\n".join(map(json.dumps, objects)).encode()


SHOPIFY = b"""Name,Email,Financial Status,Paid at,Currency,Subtotal,Total,Created at,Lineitem quantity,Lineitem name,\
Lineitem price,Lineitem sku,Notes,Billing Zip
#1001,ada@example.org,paid,2026-01-03 10:15:02 -0500,USD,25.00,27.00,2026-01-03 10:15:00 -0500,2,Green tea,9.80,TEA-1,"to the\r
neighbour",'02134
#1001,ada@example.org,,,,,,2026-01-03 10:15:00 -0500,1,Mug,5.40,MUG-1,,
"""
STRIPE = b"""id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Customer ID,Customer Email,Status,Card Brand
ch_3Mx,2026-01-03 15:15:00,"1,250.50",0.00,usd,TRUE,cus_N1,ada@example.org,Paid,Visa
ch_3My,2026-01-03 15:16:00,7.50,0.00,usd,TRUE,,,Paid,Visa
"""
GA4 = lines(
    {
        "occurred_at": "2026-01-03 15:15:00.123456 UTC",
        "event_date": "20260103",
        "event_name": "purchase",
        "user_pseudo_id": "1234567890.1767453300",
        "event_params": [{"key": "page", "value": {"string_value": "/tea", "int_value": None}}],
        "items": [{"item_id": "TEA-1", "price": 9.8}],
    },
    {"occurred_at": "2026-01-03 15:16:00 UTC", "event_name": "view_item", "user_pseudo_id": "9876543210.1767453000"},
)
AMPLITUDE = zipped(
    "100001/100001_2026-01-03_15#0.json.gz",
    gzip.compress(
        lines(
            {
                "uuid": "a1b2",
                "event_time": "2026-01-03 15:15:00.123000",
                "server_upload_time": "2026-01-03 15:15:01.500000",
                "user_id": "ada",
                "event_type": "add_to_cart",
                "session_id": 1767453300123,
                "event_properties": {"sku": "TEA-1", "city": "Rome"},
                "city": "Paris",
            },
            {"uuid": "a1b3", "event_time": "2026-01-03 15:16:00.000000", "user_id": None, "event_type": "view"},
        )
    ),
)
SEGMENT = lines(
    {
        "messageId": "ajs-1",
        "type": "track",
        "event": "purchase",
        "userId": "0042",
        "timestamp": "2026-01-03T15:15:00.123Z",
        "receivedAt": "2026-01-03T15:15:01.000Z",
        "properties": {"amount": 12.5},
        "context": {"ip": "192.0.2.1"},
    }
)
SALESFORCE = b""""Id","AccountId","CreatedDate","Amount","StageName"\r
"006A0000001AbCdIAA","001A0000001aBcDIAA","2026-01-03T15:15:00.000Z","1234.5","Closed Won"\r
"006a0000001AbCdIAE","001a0000001aBcDIAE","2026-01-03T15:15:00.000+0000","","Closed Won"\r
"""
SNOWPLOW = (
    b"app_id\tplatform\tevent_id\tderived_tstamp\tcollector_tstamp\tdomain_userid\tevent_name\tdomain_sessionid\n"
    b"shop\tweb\tc6ef-1\t2026-01-03 15:15:00.123\t2026-01-03 15:15:01.000\tbc2e-9\tpage_view\ts-1\n"
)
OLIST = b""""order_id","order_item_id","product_id","price","order_status","order_purchase_timestamp","customer_unique_id"
"00010242fe8c",1,"4244733e06e7",58.90,"delivered",2017-09-13 08:59:02,"871766c5855e"
"00010242fe8c",2,"4244733e06e7",58.90,"delivered",2017-09-13 08:59:02,"871766c5855e"
"""
RETAIL = """Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country
489434,85048,"15CM CHRISTMAS GLASS BALL 20 LIGHTS",12,2009-12-01 07:45:00,6.95,13085.0,United Kingdom
489434,79323P,PINK CHERRY LIGHTS,12,2009-12-01 07:45:00,6.75,13085.0,United Kingdom
489435,22350,CAT BOWL,2,2009-12-01 07:46:00,2.55,,Côte d'Ivoire
""".encode()

EXPORTS = {
    "Shopify, orders": (
        "orders_export.csv",
        SHOPIFY,
        [
            (None, "2026-01-03 15:15:00", pseudonym("ada@example.org", KEY), "purchase", "TEA-1", 2, None),
            (None, "2026-01-03 15:15:00", pseudonym("ada@example.org", KEY), "purchase", "MUG-1", 1, None),
        ],
    ),
    "Stripe, payments": (
        "unified_payments.csv",
        STRIPE,
        [
            ("ch_3Mx", "2026-01-03 15:15:00", "cus_N1", "payment", None, None, 1250.5),
            ("ch_3My", "2026-01-03 15:16:00", None, "payment", None, None, 7.5),
        ],
    ),
    "GA4 in BigQuery": (
        "events_20260103.json",
        GA4,
        [
            (None, "2026-01-03 15:15:00.123456", "1234567890.1767453300", "purchase", None, None, None),
            (None, "2026-01-03 15:16:00", "9876543210.1767453000", "view_item", None, None, None),
        ],
    ),
    "Amplitude, zip of JSON": (
        "export.zip",
        AMPLITUDE,
        [
            ("a1b2", "2026-01-03 15:15:00.123", "ada", "add_to_cart", None, None, None),
            ("a1b3", "2026-01-03 15:16:00", None, "view", None, None, None),
        ],
    ),
    "Segment, tracks": (
        "1767453300.jsonl",
        SEGMENT,
        [("ajs-1", "2026-01-03 15:15:00.123", "0042", "purchase", None, None, None)],
    ),
    "Salesforce, opportunities": (
        "Opportunity.csv",
        SALESFORCE,
        [
            ("006A0000001AbCdIAA", "2026-01-03 15:15:00", "001A0000001aBcDIAA", "Closed Won", None, None, 1234.5),
            ("006a0000001AbCdIAE", "2026-01-03 15:15:00", "001a0000001aBcDIAE", "Closed Won", None, None, None),
        ],
    ),
    "Snowplow, events": (
        "events.tsv",
        SNOWPLOW,
        [("c6ef-1", "2026-01-03 15:15:00.123", "bc2e-9", "page_view", None, None, None)],
    ),
    "Olist, items joined with orders": (
        "olist.csv",
        OLIST,
        [(None, "2017-09-13 08:59:02", "871766c5855e", "purchase", "4244733e06e7", None, 58.9)] * 2,
    ),
    "Online Retail II": (
        "online_retail_II.csv",
        RETAIL,
        [
            (None, "2009-12-01 07:45:00", "13085", "purchase", "85048", 12, None),
            (None, "2009-12-01 07:45:00", "13085", "purchase", "79323P", 12, None),
            (None, "2009-12-01 07:46:00", None, "purchase", "22350", 2, None),
        ],
    ),
}


def landed(tmp_path: Path, name: str) -> duckdb.DuckDBPyRelation:
    file, content, _ = EXPORTS[name]
    (tmp_path / "interactions").mkdir()
    (tmp_path / "interactions" / file).write_bytes(content)
    columns = contract("interactions")
    table = SourceTable("raw.x", str(tmp_path / "interactions"), columns, "occurred_at", CALLED[name], PERSONAL)
    store = Store(tmp_path / "store")
    return duckdb.connect().sql(view_sql(table, land(table, store, [], key=KEY), store))


@pytest.mark.parametrize("name", EXPORTS)
def test_an_export_lands_as_it_is(tmp_path: Path, name: str) -> None:
    rows = landed(tmp_path, name).order("source_line")
    columns = "interaction_id, cast(occurred_at as varchar), customer_id, interaction_type, item_id, quantity, amount"
    assert rows.project(columns).fetchall() == EXPORTS[name][2]
    assert rows.filter("unreadable_column is not null").fetchall() == []


def test_the_readme_says_how_every_export_lands() -> None:
    assert CALLED.keys() == EXPORTS.keys()
    columns = {column.name for column in SourceTable("raw.x", "", contract("interactions")).in_files}
    assert all(called.keys() <= columns for called in CALLED.values())


def test_what_an_export_says_beyond_the_contract_is_kept(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "c").mkdir()
    (text,) = landed(tmp_path / "a", "Amplitude, zip of JSON").order("source_line").project("properties").fetchall()[0]
    found = json.loads(text)
    assert (found["sku"], found["city"], found["properties.city"]) == ("TEA-1", "Paris", "Rome")
    (text,) = landed(tmp_path / "b", "Shopify, orders").order("source_line").project("properties").fetchall()[0]
    assert json.loads(text)["Notes"] == "to the\r\nneighbour"
    (text,) = landed(tmp_path / "c", "Stripe, payments").order("source_line").project("properties").fetchall()[0]
    assert json.loads(text)["Customer Email"] == pseudonym("ada@example.org", KEY)
