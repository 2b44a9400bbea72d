"""Anthropic's Message Batches."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from harness.testing.providers import anthropic_wire
from harness.testing.providers.asked import Malformed
from harness.testing.providers.batches import Batch, Item
from harness.testing.providers.behaviour import Answer
from harness.testing.providers.incoming import Failure, Incoming

if TYPE_CHECKING:
    from harness.testing.providers.application import Application

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_DAY = 24 * 3600
MOST = 100_000  # requests of one batch (doc)


def create(server: Application, incoming: Incoming) -> dict[str, Any]:
    """Accept a batch and answer its requests; Malformed."""
    rows = _rows(incoming.body)
    batch = Batch(server.identity("msgbatch"), [])
    for row in rows:
        item = server.item("messages", row["params"], row["custom_id"], batch.id)
        if item.state == "succeeded":
            item.body["usage"]["service_tier"] = "batch"
        batch.items.append(item)
    server.batches.add(batch)
    return shown(server, incoming, batch)


def _rows(body: bytes) -> list[Mapping[str, Any]]:
    try:
        rows = json.loads(body)["requests"]
        names = [row["custom_id"] for row in rows]
        if not all(isinstance(row["params"], Mapping) for row in rows):
            raise Malformed("requests: params must be an object")
    except (ValueError, KeyError, TypeError) as error:
        raise Malformed(f"requests: Field required ({error})") from error
    if not 1 <= len(rows) <= MOST:
        raise Malformed(f"requests: a batch takes 1 to {MOST} requests")
    for position, name in enumerate(names):
        if not isinstance(name, str) or not _ID.fullmatch(name):
            raise Malformed(f"requests.{position}.custom_id: String should match pattern '^[a-zA-Z0-9_-]{{1,64}}$'")
    if len(set(names)) < len(names):
        raise Malformed("requests: custom_id must be unique within a batch")
    return list(rows)


def retrieve(server: Application, incoming: Incoming) -> dict[str, Any]:
    """Look at a batch; every look counts."""
    batch = server.batches.find(incoming.id)
    batch.look(server.behaviour, poll=True)
    return shown(server, incoming, batch)


def cancel(server: Application, incoming: Incoming) -> dict[str, Any]:
    """Cancel what has not ended."""
    batch = server.batches.find(incoming.id)
    batch.cancel()
    return shown(server, incoming, batch)


def listed(server: Application, incoming: Incoming) -> dict[str, Any]:
    """A page of batches, newest first."""
    rows = [
        shown(server, incoming, batch) for batch in server.batches.newest_first() if batch.id.startswith("msgbatch")
    ]
    return anthropic_wire.page(rows, incoming.query)


def results(server: Application, incoming: Incoming) -> bytes:
    """JSON lines, not in the order of the requests."""
    batch = server.batches.find(incoming.id)
    if batch.ended is None:
        raise Failure(Answer(status=400, message="Batch results are not available until processing has ended."))
    return b"".join(_line(item) * item.copies for item in reversed(batch.items))


def _line(item: Item) -> bytes:
    result: dict[str, Any] = {"type": item.state}
    if item.state == "succeeded":
        result["message"] = item.body
    elif item.state == "errored":
        result["error"] = item.body
    return json.dumps({"custom_id": item.custom_id, "result": result}, separators=(",", ":")).encode() + b"\n"


def shown(server: Application, incoming: Incoming, batch: Batch) -> dict[str, Any]:
    """The batch as it stands."""
    batch.look(server.behaviour, poll=False)
    ended = batch.ended is not None
    status = "ended" if ended else "in_progress" if batch.canceled is None else "canceling"
    host = incoming.head.headers().get("host", "")
    return {
        "id": batch.id,
        "type": "message_batch",
        "processing_status": status,
        "request_counts": {
            "processing": 0 if ended else len(batch.items),
            "succeeded": batch.count("succeeded") if ended else 0,
            "errored": batch.count("errored") if ended else 0,
            "canceled": batch.count("canceled") if ended else 0,
            "expired": batch.count("expired") if ended else 0,
        },
        "created_at": _moment(batch.created),
        "expires_at": _moment(batch.created + _DAY),
        "ended_at": _moment(batch.ended),
        "cancel_initiated_at": _moment(batch.canceled),
        "archived_at": None,
        "results_url": f"http://{host}/v1/messages/batches/{batch.id}/results" if ended else None,
    }


def _moment(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
