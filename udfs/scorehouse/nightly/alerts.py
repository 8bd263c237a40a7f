"""Messages to people, by whatever service their team reads: the library apprise sends them.

Addresses are URLs in environment variables, `SCOREHOUSE_ALERT_<TEAM>`, or `SCOREHOUSE_ALERT` for teams without one; several are
separated by blanks. They are never printed, logged, or given to dbt.
"""

import logging
import threading
import time
from collections.abc import Container, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

from scorehouse.ledger.lines import Ledger
from scorehouse.nightly import process
from scorehouse.nightly.console import say
from scorehouse.nightly.incidents import ALERT, FAILURE, RECOVERY, TELLING, Message

if TYPE_CHECKING:
    import apprise

PREFIX = "SCOREHOUSE_ALERT"
WAITS_SECONDS = (1.0, 4.0)
"""Before another attempt."""
LIMIT_SECONDS = 60.0
"""For all attempts to send one message."""
ANSWER_SECONDS = 20.0
"""For a service to answer, where its URL says nothing else (`rto`); one that does not may have taken it: it is asked once."""


@dataclass(frozen=True)
class Sent:
    """What became of a message: whether some address took it, and what did not, without saying where it went."""

    is_sent: bool
    attempts: int
    why: str = ""


def variable_of(team: str) -> str:
    """The environment variable that holds a team's addresses.

    >>> variable_of("data"), variable_of("Data science")
    ('SCOREHOUSE_ALERT_DATA', 'SCOREHOUSE_ALERT_DATA_SCIENCE')
    """
    return f"{PREFIX}_{''.join(letter if letter.isalnum() else '_' for letter in team.upper())}"


def without_addresses(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment for dbt."""
    return {name: value for name, value in environment.items() if not name.startswith((PREFIX, "SCOREHOUSE_HEARTBEAT"))}


def wrong_addresses(environment: Mapping[str, str]) -> Iterator[str]:
    """A sentence for each variable in which apprise knows no service; the value is not shown."""
    for name in sorted(name for name in environment if name.startswith(PREFIX)):
        if find_spec("apprise") and not all(map(_is_known, environment[name].split())):
            yield (
                f"{name}: expected URLs that apprise knows (slack://, workflows://, mailto://, jsons://, ...), found something "
                f"else (not shown); correct it: https://github.com/caronc/apprise/wiki"
            )


def send(message: Message, environment: Mapping[str, str]) -> Sent:
    """Send a message to its team, or to everybody where no address of the team takes it; never raises.

    What fails is tried again, for at most `LIMIT_SECONDS` of each of the two, or a moment where this process is to end.
    """
    name = variable_of(message.contact)
    if find_spec("apprise") is None:
        return Sent(False, 0, "the package apprise is missing: rm .venv/ready; make .venv/ready")
    own, general = addresses(message.contact, environment)
    if not own and not general:
        return Sent(False, 0, f"neither {name} nor {PREFIX} is set")
    sent = _sent(message, own or general)
    others = [url for url in general if url not in own] if own else []
    if sent.is_sent or not others:
        return sent
    again = _sent(message, others)
    why = f"{sent.why}; {PREFIX} {'took it' if again.is_sent else 'did not take it either'}"
    return Sent(again.is_sent, sent.attempts + again.attempts, why)


def addresses(team: str, environment: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """The URLs of a team, and those of everybody."""
    own, general = (list(dict.fromkeys((environment.get(one) or "").split())) for one in (variable_of(team), PREFIX))
    return own, general


def may_arrive(team: str, environment: Mapping[str, str]) -> bool:
    """Whether there is anything that could take a message to a team."""
    return find_spec("apprise") is not None and any(addresses(team, environment))


def _sent(message: Message, urls: list[str]) -> Sent:
    sending, began = _Sending(message, urls), time.monotonic()
    thread = threading.Thread(target=sending.run, daemon=True)
    thread.start()
    process.wait_for(thread, LIMIT_SECONDS)
    sending.is_given_up = True
    why = f"{len(sending.left)} of {len(urls)} addresses did not take it" if sending.left else ""
    took_some = len(sending.left) < len(urls)
    within = f" within {time.monotonic() - began:.0f} s" if why and thread.is_alive() else ""
    return Sent(took_some, sending.attempts, f"{why}{within}")


def tell(ledger: Ledger, message: Message, environment: Mapping[str, str], wanted: Container[str]) -> Sent:
    """Send a message of a kind that the project wants; the ledger says what became of it, and nothing of where it went."""
    details = {"contact": message.contact, "kind": message.kind, "keys": list(message.keys), "title": message.title}
    if message.kind not in wanted:
        if message.keys:
            ledger.write(ALERT, details={**details, "is_sent": False, "is_unwanted": True})
        return Sent(False, 0)
    if message.keys and may_arrive(message.contact, environment):  # a kill from here on leaves open whether it did
        ledger.write(TELLING, details=details)
    sent = send(message, environment)
    ledger.write(ALERT, message=sent.why or None, details={**details, "is_sent": sent.is_sent, "attempts": sent.attempts})
    if sent.why:
        say(f"{'Message' if sent.is_sent else 'No message'} to {message.contact}: {sent.why}.")
    return sent


class _Sending:
    """Sends a message to each address until it takes it: whoever reads there is not told twice because another one is broken."""

    def __init__(self, message: Message, urls: list[str]) -> None:
        self._message = message
        self.left = urls
        self.attempts = 0
        self.is_given_up = False
        self._unanswered: set[str] = set()

    def run(self) -> None:
        """Try each address that is left; what it took until then holds wherever this is given up."""
        for wait in (0.0, *WAITS_SECONDS):
            time.sleep(wait)
            self.attempts += 1
            for url in [one for one in self.left if one not in self._unanswered]:
                with suppress(Exception):  # whatever a service's plugin does, the run goes on
                    self._ask(url)
            if not set(self.left) - self._unanswered:
                return

    def _ask(self, url: str) -> None:
        service, began = _service(url), time.monotonic()
        if not self.is_given_up and _took(service, self._message):
            self.left = [one for one in self.left if one != url]
        elif time.monotonic() - began >= service.socket_read_timeout:
            self._unanswered.add(url)


def _service(url: str) -> "apprise.NotifyBase":
    """What apprise knows by a URL, with time to answer; a page that it sends a message on to would get it without its text."""
    import apprise

    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)  # it says there where a message goes
    service = apprise.Apprise.instantiate(url)
    if "rto=" not in url:
        service.socket_read_timeout = ANSWER_SECONDS
    if "redirect=" not in url:
        service.redirects = False
    return service


def _took(service: "apprise.NotifyBase", message: Message) -> bool:
    import apprise

    asked = apprise.Apprise()
    kinds = {RECOVERY: apprise.NotifyType.SUCCESS, FAILURE: apprise.NotifyType.FAILURE}
    kind = kinds.get(message.kind, apprise.NotifyType.INFO)
    return bool(asked.add(service) and asked.notify(title=message.title, body=message.body, notify_type=kind))


def _is_known(url: str) -> bool:
    with suppress(Exception):
        return _service(url) is not None
    return False
