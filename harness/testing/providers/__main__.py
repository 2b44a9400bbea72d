"""`python -m harness.testing.providers --port 8099 --latency 0.2 --label "Sadly Angry"`: the server by itself."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys

from harness.testing.providers.application import Application
from harness.testing.providers.behaviour import Behaviour
from harness.testing.providers.server import HOST, serve


def main() -> None:
    """Serve until SIGTERM or SIGINT; the first line of output is the URL."""
    parser = argparse.ArgumentParser(prog="python -m harness.testing.providers", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--latency", type=float, help="seconds until a reply is sent")
    parser.add_argument("--label", help="what every reply says; otherwise chosen by the image")
    parser.add_argument("--rate", type=float, help="replies a second that are permitted")
    parser.add_argument("--no-log", action="store_true", help="counts only")
    parser.add_argument("--behaviour", default="{}", help="fields of Behaviour as JSON; -: from standard input")
    given = parser.parse_args()
    changes = json.loads(sys.stdin.read() if given.behaviour == "-" else given.behaviour)
    for name in ("latency", "label", "rate"):
        if getattr(given, name) is not None:
            changes[name] = getattr(given, name)
    if given.no_log:
        changes["log"] = False
    asyncio.run(_serve(Application(Behaviour().changed(changes)), given.port))


async def _serve(application: Application, port: int) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    await serve(application, port, lambda given: print(f"http://{HOST}:{given}", flush=True), stop)  # noqa: T201


if __name__ == "__main__":
    main()
