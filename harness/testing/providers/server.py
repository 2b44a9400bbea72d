"""The server in a thread of this process, and in a process of its own."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Callable
from http.client import HTTPConnection
from itertools import count
from typing import Any, TypeVar

from harness.testing.providers.application import Application
from harness.testing.providers.behaviour import Behaviour
from harness.testing.providers.connection import Connection
from harness.testing.providers.log import Counts, Request, from_dict

T = TypeVar("T")
HOST = "127.0.0.1"


async def serve(application: Application, port: int, ready: Callable[[int], None], stop: asyncio.Event) -> None:
    """Answer on loopback until `stop`; ready: called with the port."""
    everyone: set[Connection] = set()
    numbers = count(1)

    def connected() -> Connection:
        application.log.counts.connections += 1
        return Connection(application.handle, next(numbers), everyone)

    listening = await asyncio.get_running_loop().create_server(connected, HOST, port, backlog=1024)
    ready(listening.sockets[0].getsockname()[1])
    await stop.wait()
    listening.close()
    for connection in list(everyone):
        connection.abort()
    await listening.wait_closed()
    await asyncio.sleep(0)  # lets the aborted connections close their sockets


class ProviderServer:
    """The server in a background thread; arguments are the fields of Behaviour."""

    def __init__(self, *, port: int = 0, **behaviour: Any) -> None:
        self._application = Application(Behaviour().changed(behaviour))
        self._port = port
        self._thread: threading.Thread | None = None

    def __enter__(self) -> ProviderServer:
        ready = threading.Event()
        failures: list[OSError] = []

        async def main() -> None:
            self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()

            def listening(port: int) -> None:
                self._port = port
                ready.set()

            try:
                await serve(self._application, self._port, listening, self._stop)
            except OSError as error:
                failures.append(error)
                ready.set()

        self._thread = threading.Thread(target=lambda: asyncio.run(main()), name="provider-server", daemon=True)
        self._thread.start()
        ready.wait()
        if failures:
            raise failures[0]
        return self

    def __exit__(self, *_: object) -> None:
        assert self._thread is not None
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    @property
    def url(self) -> str:
        """Base URL for the anthropic SDK."""
        return f"http://{HOST}:{self._port}"

    @property
    def openai_url(self) -> str:
        """Base URL for the openai SDK."""
        return f"{self.url}/v1"

    @property
    def requests(self) -> list[Request]:
        """Every request so far, in the order of arrival; batch items too."""
        return list(self._application.log.requests)

    @property
    def replies(self) -> list[Request]:
        """Those that asked for a reply, batch items not among them."""
        return [one for one in self.requests if one.operation == "reply"]

    @property
    def counts(self) -> Counts:
        """Totals, also without a log."""
        return self._application.log.counts.now()

    def behave(self, **changes: Any) -> None:
        """Change fields of Behaviour from the next request on; counters of rules start anew."""
        behaviour = self._application.behaviour.changed(changes)
        self._inside(lambda: self._application.behave(behaviour))

    def reset(self) -> None:
        """Forget requests, counters, batches and files; the behaviour stays."""
        self._inside(self._application.reset)

    def _inside(self, work: Callable[[], T]) -> T:
        """Run in the server's loop and wait for it, so that no request sees half of a change."""

        async def run() -> T:
            return work()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result()


class ProviderProcess:
    """The server in a process of its own, which outlives a killed client; rules must not call functions."""

    def __init__(self, *, port: int = 0, **behaviour: Any) -> None:
        self._behaviour = Behaviour().changed(behaviour).as_dict()
        self._port = port

    def __enter__(self) -> ProviderProcess:
        command = [sys.executable, "-m", "harness.testing.providers", "--port", str(self._port), "--behaviour", "-"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(self._behaviour))
        self._process.stdin.close()
        line = self._process.stdout.readline()
        if not line:
            self.__exit__()
            raise OSError(f"the provider server did not start on port {self._port}; see its errors above")
        self._port = int(line.rpartition(":")[2])
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    url = ProviderServer.url
    openai_url = ProviderServer.openai_url
    replies = ProviderServer.replies

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def requests(self) -> list[Request]:
        """Every request so far, in the order of arrival; batch items too."""
        return from_dict(self._ask("GET", "/_log"))

    @property
    def counts(self) -> Counts:
        """Totals, also without a log."""
        return Counts(**self._ask("GET", "/_counts"))

    def behave(self, **changes: Any) -> None:
        """Change fields of Behaviour from the next request on; counters of rules start anew."""
        whole = Behaviour().changed(changes).as_dict()
        self._ask("POST", "/_behaviour", {name: whole[name] for name in changes})

    def reset(self) -> None:
        """Forget requests, counters, batches and files; the behaviour stays."""
        self._ask("POST", "/_reset", {})

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        connection = HTTPConnection(HOST, self._port, timeout=60)
        try:
            connection.request(method, path, None if body is None else json.dumps(body))
            answer = connection.getresponse()
            told = json.loads(answer.read())
        finally:
            connection.close()
        if answer.status != 200:
            raise ValueError(f"provider server: {told['error']}")
        return told
