"""A sign of life to a service that notices when none comes, in the manner of healthchecks: `/start`, success, `/fail`.

The address is in the environment variable `SCOREHOUSE_HEARTBEAT_URL`; it is never printed, logged, or given to dbt.
"""

import threading
import urllib.parse
import urllib.request
from collections.abc import Mapping
from contextlib import suppress

from scorehouse.nightly import process

VARIABLE = "SCOREHOUSE_HEARTBEAT_URL"
TIMEOUT_SECONDS = 10.0
START, SUCCESS, FAIL = "/start", "", "/fail"


def wrong_address(environment: Mapping[str, str]) -> str | None:
    """A sentence for an address that is none."""
    url = environment.get(VARIABLE)
    if not url or _is_address(url):
        return None
    return f"{VARIABLE}: expected an address that begins with https://, found something else (not shown); correct it."


def _is_address(url: str) -> bool:
    with suppress(ValueError):
        parts = urllib.parse.urlsplit(url)
        return (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and parts.port != 0
            and url.isprintable()
            and " " not in url
        )
    return False


class Heartbeat:
    """Signs of life of one run; none of them delays it.

    Args:
        run_id: a UUID, by which the service tells runs apart.
    """

    def __init__(self, environment: Mapping[str, str], run_id: str) -> None:
        self._url = environment.get(VARIABLE) if wrong_address(environment) is None else None
        self._run_id = run_id
        self._threads: list[threading.Thread] = []
        self.lost: list[str] = []

    def beat(self, sign: str, body: str = "") -> None:
        """Send a sign in the background."""
        if self._url:
            thread = threading.Thread(target=self._send, args=[sign, body], daemon=True)
            thread.start()
            self._threads.append(thread)

    def wait(self) -> None:
        """Give the last signs their time."""
        for thread in self._threads:
            process.wait_for(thread, 2 * TIMEOUT_SECONDS + 1)

    def _send(self, sign: str, body: str) -> None:
        parts = urllib.parse.urlsplit(self._url)
        query = "&".join(filter(None, [parts.query, f"rid={self._run_id}"]))
        address = parts._replace(path=parts.path.rstrip("/") + sign, query=query).geturl()
        for _ in range(2):
            try:
                urllib.request.urlopen(urllib.request.Request(address, body.encode()), timeout=TIMEOUT_SECONDS).close()
                return
            except Exception:  # whatever it is: what it says could show the address
                continue
        self.lost.append(sign or "/success")
