"""Who hears what of a nightly run: once, and only what is new; and nobody learns where messages go."""

import os
import random
import signal
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from project.nights import Shop, clock_of
from scorehouse.ledger import lines

pytestmark = pytest.mark.drill
BROKEN = ("models/features/weighted.sql", "amount > 0", "amountx > 0")
SECRET = "a5ecretThatNobodySees"


PERSONAL = "seeds: [{name: product_requirements, columns: [{name: owner, config: {meta: {personal: false}}}]}]\n"


def mend(shop: Shop) -> None:
    path, old, new = BROKEN
    shop.project.replace(path, new, old)


def test_a_cause_is_told_once_over_runs_and_layers_and_its_end_once(shop: Shop) -> None:
    shop.project.replace(*BROKEN)
    first = shop.night()
    assert shop.webhook.titles == ["[Scorehouse main] error: sql_error: weighted"]
    told = shop.webhook.bodies[0]["message"]
    assert "Whom to ask: product (product@shop.example)" in told
    line = (shop.project.root / BROKEN[0]).read_text().splitlines().index(f"where {BROKEN[2]}") + 1
    assert f"What failed: models/features/weighted.sql, line {line}: Binder Error: " in told and "amountx" in told
    assert "After it, not built or not proven: " in told and "scores" in told
    assert first.output.splitlines()[-1].startswith("RED after ") and "Readers are served release 1 of main." in first.output
    assert shop.night().failures == ["sql_error: weighted"]
    assert len(shop.webhook.titles) == 1
    mend(shop)
    assert "Mended: sql_error: weighted." in shop.night().output
    assert shop.webhook.titles[1:] == ["[Scorehouse main] recovered: sql_error: weighted"]
    assert shop.night().code == 0 and len(shop.webhook.titles) == 2
    (incident,) = shop.project.catalog(
        "select incident, contact, severity, opened_run, closed_run, is_open, told_at is not null from operations.incidents"
    )
    assert incident == ("sql_error: weighted", "product", "error", 2, 4, False, True)
    runs = shop.project.catalog("select outcome, is_whole, alert_count from operations.runs order by run_number")
    assert runs == [("green", True, 0), ("red", False, 1), ("red", False, 0), ("green", True, 1), ("green", True, 0)]
    failed = shop.project.catalog("select run_number, name from operations.node_runs where outcome = 'failed' order by all")
    assert failed == [(2, "weighted"), (3, "weighted")]


def test_two_causes_of_two_teams_are_told_to_each(shop: Shop) -> None:
    shop.project.replace(*BROKEN)
    shop.project.write("models/staging/stg_other.sql", "select nothing from {{ ref('points') }}\n")
    shop.night(SCOREHOUSE_ALERT_DATA=f"json://{shop.webhook.address}/data")
    assert sorted(shop.webhook.titles) == [f"[Scorehouse main] error: sql_error: {name}" for name in ("stg_other", "weighted")]
    assert sorted(shop.webhook.paths) == ["/", "/data"]


@pytest.mark.parametrize("trouble", ["refuses", "answers 500", "never answers"])
def test_a_message_that_cannot_be_sent_is_a_line_of_the_ledger_and_is_sent_next_time(shop: Shop, trouble: str) -> None:
    shop.project.replace(*BROKEN)
    shop.webhook.answers = {"answers 500": lambda: 500}.get(trouble, lambda: None)
    address = "127.0.0.1:9" if trouble == "refuses" else shop.webhook.address
    night = shop.night(SCOREHOUSE_ALERT=f"json://{address}/{SECRET}?cto=1&rto=1")
    (alert,) = [line for line in night.ledger if line.event == "alert"]
    attempts = 1 if trouble == "never answers" else 3  # who does not answer may have taken it
    assert night.code == 1 and alert.details["is_sent"] is False and alert.details["attempts"] == attempts
    assert SECRET not in night.output and not any(SECRET in line.text() for line in night.ledger)
    shop.webhook.answers = lambda: 200
    shop.night()
    shop.night()
    assert shop.webhook.titles == ["[Scorehouse main] error: sql_error: weighted"]


@contextmanager
def mail_server() -> Iterator[tuple[int, list[str]]]:
    """A server that takes mail, as RFC 5321 says, and keeps the texts."""
    taken: list[str] = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 here\r\n")
            while command := self.rfile.readline().strip().upper():
                if command == b"DATA":
                    self.wfile.write(b"354 go on\r\n")
                    taken.append(b"".join(iter(self.rfile.readline, b".\r\n")).decode())
                self.wfile.write(b"221 bye\r\n" if command == b"QUIT" else b"250 fine\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1], taken
        server.shutdown()


def test_a_service_that_takes_its_time_gets_a_message_once(shop: Shop) -> None:
    shop.project.replace(*BROKEN)
    shop.webhook.answers = lambda: time.sleep(6) or 200
    night = shop.night()
    assert "did not take it" not in night.output
    shop.night()
    mend(shop)
    assert shop.night().code == 0
    titles = ["[Scorehouse main] error: sql_error: weighted", "[Scorehouse main] recovered: sql_error: weighted"]
    assert shop.webhook.titles == titles


def test_a_page_to_which_a_message_is_sent_on_has_not_taken_it(shop: Shop) -> None:
    shop.project.replace(*BROKEN)
    shop.webhook.answers = lambda: 302
    night = shop.night()
    assert "No message to product: 1 of 1 addresses did not take it." in night.output
    shop.webhook.answers = lambda: 200
    shop.night()
    assert shop.webhook.titles == ["[Scorehouse main] error: sql_error: weighted"]


def test_nights_that_cannot_write_their_ledger_tell_once_and_its_end_too(shop: Shop) -> None:
    """Another file is where the ledger's folder is to be; it is moved away later."""
    ledger = shop.project.folder() / "ledger"
    ledger.rename(ledger.with_name("kept"))
    ledger.write_text("")
    assert [shop.night().code for _ in range(2)] == [1, 1]
    assert len(shop.webhook.titles) == 1 and "no_access" in shop.webhook.titles[0]
    ledger.unlink()
    ledger.with_name("kept").rename(ledger)
    assert [shop.night().code for _ in range(2)] == [0, 0]
    assert ["recovered: no_access" in title for title in shop.webhook.titles] == [False, True]


def test_damage_to_what_readers_open_is_said_and_told(shop: Shop) -> None:
    file = shop.project.folder() / "releases/1/serving.duckdb"
    file.chmod(0o644)
    file.write_bytes(b"nothing that is a database")
    shop.project.replace(*BROKEN)
    night = shop.night()
    assert "Readers cannot open release 1 of main: files of it are damaged or gone" in night.output
    mend(shop)
    night = shop.night()
    assert night.code == 0 and "store_damaged" in night.output
    assert shop.project.serving("select count(*) from scores") == [(3,)]
    assert "[Scorehouse main] warning: store_damaged" in " ".join(shop.webhook.titles)


def test_mail_arrives(shop: Shop) -> None:
    shop.project.replace(*BROKEN)
    with mail_server() as (port, taken):
        night = shop.night(
            SCOREHOUSE_ALERT=f"mailto://127.0.0.1:{port}?from=night@shop.example&to=team@shop.example&mode=insecure"
        )
    assert len(taken) == 1 and "To: team@shop.example" in taken[0] and "sql_error: weighted" in taken[0], night.output


def test_a_heartbeat_says_that_it_began_and_how_it_ended_by_the_runs_id(shop: Shop) -> None:
    url = f"http://{shop.webhook.address}/ping/{SECRET}"
    shop.night(SCOREHOUSE_HEARTBEAT_URL=url)
    shop.project.replace(*BROKEN)
    night = shop.night(SCOREHOUSE_HEARTBEAT_URL=url, SCOREHOUSE_ALERT="")
    signs, ids = zip(*(path.split("?rid=") for path in shop.webhook.paths), strict=True)
    assert [sign.removeprefix(f"/ping/{SECRET}") for sign in signs] == ["/start", "", "/start", "/fail"]
    assert ids[0] == ids[1] != ids[2] == ids[3]
    assert "No message to product: neither SCOREHOUSE_ALERT_PRODUCT nor SCOREHOUSE_ALERT is set." in night.output
    assert not [file for file in shop.project.root.rglob("*") if file.is_file() and SECRET.encode() in file.read_bytes()]


def test_dbt_never_sees_where_messages_go_and_a_green_night_deletes_what_nothing_refers_to(shop: Shop) -> None:
    shop.project.write("models/features/spy.sql", "select '{{ env_var('SCOREHOUSE_ALERT', 'nothing') }}' as found\n")
    unused = shop.project.warehouse / "store" / "features.gone" / f"{'0' * 32}.parquet"
    unused.parent.mkdir()
    unused.write_bytes(b"of a release that is not kept")
    theirs = shop.project.folder("other") / "built" / "a.gone" / f"{'1' * 32}.parquet"
    for folder in (theirs.parent, shop.project.folder("other") / ".work"):
        folder.mkdir(parents=True)
    theirs.write_bytes(b"a build of main may delete nothing of a branch")
    night = shop.night()
    assert night.code == 0
    assert shop.project.catalog("select found from features.spy") == [("nothing",)]
    assert not unused.exists() and theirs.exists()
    assert "Deleted 1 files" in night.output


def test_what_is_worth_another_try_is_tried_again_before_anybody_hears(shop: Shop) -> None:
    shop.project.replace("seeds/operations/triage.csv", "#hands-off,0,1\nterminated", "#hands-off,1,0.02\nterminated")
    process = shop.start()
    os.kill(shop.wait_for("build").process, signal.SIGKILL)
    night = shop.ended(process)
    assert night.code == 0 and [line.event for line in night.ledger].count("attempt") == 2
    assert "Trying again in 0.02 minutes (1 of 1): it was ended from outside by SIGKILL" in night.output
    assert shop.webhook.titles == []


def test_a_run_that_is_to_end_waits_for_no_service_that_hangs(shop: Shop) -> None:
    shop.webhook.answers = lambda: time.sleep(60) or 200
    url = f"http://{shop.webhook.address}/ping"
    process = shop.start(SCOREHOUSE_HEARTBEAT_URL=url)
    shop.wait_for("build")
    began = time.monotonic()
    process.terminate()
    night = shop.ended(process)
    assert time.monotonic() - began < 18, "a service may take 20 seconds to answer"
    assert night.code == 1 and night.failures == ["terminated"] and night.ledger[-1].event == "finish"
    shop.webhook.answers = lambda: 200
    assert shop.night().code == 0
    assert shop.webhook.titles == ["[Scorehouse main] recovered: terminated"]


def test_a_clock_that_jumped_in_an_earlier_attempt_is_told(shop: Shop) -> None:
    shop.project.replace("seeds/operations/triage.csv", "#hands-off,0,1\nterminated", "#hands-off,1,0.02\nterminated")
    process, ahead = clock_of(shop)
    build = shop.wait_for("build").process
    ahead.touch()
    os.kill(build, signal.SIGKILL)
    night = shop.ended(process)
    assert night.code == 0 and night.failures == ["clock_jump"], night.output


def test_kills_at_any_moment_leave_the_release_and_one_message(shop: Shop) -> None:
    chance = random.Random(4)
    for _ in range(3):
        process = shop.start()
        child = shop.wait_for("build").process
        time.sleep(chance.uniform(0, 1.5))
        os.kill(child, signal.SIGKILL)
        assert shop.ended(process).failures == ["killed"]
        assert shop.project.serving("select count(*) from scores") == [(3,)]
    assert shop.night().code == 0
    assert shop.webhook.titles == ["[Scorehouse main] error: killed", "[Scorehouse main] recovered: killed"]


def test_a_build_that_is_killed_after_it_published_is_green_and_told_of(shop: Shop) -> None:
    shop.project.replace("models/features/weighted.sql", "amount > 0", "amount > 10")
    process = shop.start()
    os.kill(shop.wait_for("published").process, signal.SIGKILL)
    night = shop.ended(process)
    assert night.code == 0, night.output
    assert night.output.strip().splitlines()[-1].endswith("Readers are served release 2 of main. Needs attention: killed.")
    assert shop.project.serving("select count(*) from scores") == [(2,)]
    assert shop.night().code == 0
    assert shop.webhook.titles == ["[Scorehouse main] error: killed", "[Scorehouse main] recovered: killed"]


def test_a_cause_that_comes_again_before_its_end_could_be_told_is_the_last_that_is_heard(shop: Shop) -> None:
    shop.project.replace(*BROKEN)
    shop.night()
    mend(shop)
    shop.webhook.answers = lambda: 500
    assert shop.night().code == 0
    shop.webhook.answers = lambda: 200
    shop.project.replace(*BROKEN)
    shop.night()
    assert shop.webhook.titles == ["[Scorehouse main] error: sql_error: weighted"] * 2


def test_a_line_that_a_crash_cut_is_kept_and_what_follows_is_read(shop: Shop) -> None:
    (file,) = lines.files(shop.project.folder() / "ledger")
    text = file.read_text()
    file.write_text(text[: text.rindex('"seconds"')])
    night = shop.night()
    assert night.code == 0 and shop.webhook.titles == ["[Scorehouse main] recovered: run_lost"]
    read = list(lines.read(file))
    assert read[-2].event == "cut" and read[-1].details["outcome"] == "lost"
    outcomes = shop.project.catalog("select run_number, outcome from operations.runs order by all")
    assert outcomes == [(1, "lost"), (2, "green")]


def test_a_watchdog_notices_that_no_run_came_and_the_next_one_says_that_it_is_over(shop: Shop) -> None:
    shop.project.write("seeds/operations/product_requirements.csv", "endpoint,product,sla_hours\nscores,scores,24\n")
    assert shop.night(module="nightly.watchdog").output == "Every product of main is within its SLA.\n"
    shop.project.write("seeds/operations/product_requirements.csv", "endpoint,product,sla_hours\nscores,scores,0.0001\n")
    for _ in range(2):
        late = shop.night(module="nightly.watchdog")
        assert late.code == 1 and late.output.startswith("LATE: no whole run of main within the SLA of scores (0.0001 h)")
    (shop.project.root / "seeds/operations/product_requirements.csv").unlink()  # a build asks more of it
    assert shop.night().code == 0
    assert shop.webhook.titles == ["[Scorehouse main] error: sla_missed", "[Scorehouse main] recovered: sla_missed"]
    shop.project.write("seeds/operations/product_requirements.csv", "endpoint,product,sla_hours\nscores,scores,one day\n")
    wrong = shop.night(module="nightly.watchdog")
    assert "line 2, sla_hours: expected hours as a number above 0, found 'one day'; correct it." in wrong.output


def test_a_missed_promise_is_the_watchdogs_to_tell_and_a_night_says_it_beside(shop: Shop) -> None:
    """A watchdog that may only read told it before, in books that no night sees; then a night is red, and one green in part."""
    promise = "seeds/operations/product_requirements.csv"
    requirements = "endpoint,product,sla_hours,volume_rows,refresh_hours,decay_days,latency_ms,calls_a_day,owner\n"
    shop.project.write(promise, f"{requirements}scores,scores,0.0001,1,24,7,50,1,shop@scorehouse.example\n")
    shop.project.write(promise.replace(".csv", ".yml"), PERSONAL)
    shop.project.replace(*BROKEN)
    night = shop.night()
    assert shop.webhook.titles == ["[Scorehouse main] error: sql_error: weighted"], night.output
    late = (
        "Readers are served release 1 of main. No whole run of main within the SLA of scores (0.0001 h): the last one ended at "
    )
    assert late in shop.webhook.bodies[0]["message"] and late in night.output.splitlines()[-1]
    mend(shop)
    part = shop.night("--select", "weighted")
    assert part.failures == [] and late in part.output.splitlines()[-1]
    assert shop.webhook.titles[1:] == ["[Scorehouse main] recovered: sql_error: weighted"]


def test_files_that_come_are_served_one_build_after_the_other(shop: Shop) -> None:
    """A broken one is told of once, and what comes meanwhile goes with the next build."""
    process = shop.start("--every", "1", module="nightly.follow")
    header = "event_id,occurred_at,kind,amount\n"
    wait_until(lambda: bool(shop.ledger()) and shop.ledger()[-1].event == "finish")
    shop.project.write("raw/second.csv", f"{header}4,2020-02-01,a,40\n")
    wait_until(lambda: shop.project.release() == 2)
    shop.project.write("raw/third.csv", f"{header}5,2020-02-02,a,50\n")
    shop.project.write("raw/fourth.csv", f"{header}6,2020-02-03,a,60\n")
    wait_until(lambda: shop.project.release() == 3)
    shop.project.write("raw/fifth.csv", "nothing\n1\n")
    wait_until(lambda: shop.webhook.titles == ["[Scorehouse main] error: source_schema: raw/fifth.csv"])
    (shop.project.root / "raw/fifth.csv").unlink()
    wait_until(lambda: len(shop.webhook.titles) == 2)
    process.send_signal(signal.SIGTERM)
    output = process.communicate(timeout=60)[0]
    assert shop.webhook.titles[1] == "[Scorehouse main] recovered: source_schema: raw/fifth.csv"
    assert shop.project.serving("select count(*) from scores") == [(6,)]
    assert "2 new files served, the longest after" in output, output
    served = [line for file in runs(shop) for line in lines.read(file, ["served"])]
    assert [len(line.details["files"]) for line in served][:2] == [1, 2] and all(line.seconds > 0 for line in served)


def runs(shop: Shop) -> list[Path]:
    return lines.files(shop.project.folder() / "ledger")


def wait_until(is_so: Callable[[], bool]) -> None:
    before = time.monotonic()
    while not is_so():
        assert time.monotonic() - before < 180
        time.sleep(0.2)
