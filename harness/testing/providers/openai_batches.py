"""OpenAI's Batch API: a file of requests in, a file of replies and a file of errors out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from harness.testing.providers import openai_wire
from harness.testing.providers.asked import Malformed
from harness.testing.providers.batches import Batch, Item
from harness.testing.providers.incoming import Incoming, reads
from harness.testing.providers.openai_files import find, store

if TYPE_CHECKING:
    from harness.testing.providers.application import Application

MOST = 50_000  # requests of one batch (doc)
LARGEST = 200 * 2**20  # bytes of its file (doc)
_DAY = 24 * 3600
_UNASKED = {
    "expired": ("batch_expired", "This request could not be executed before the completion window expired."),
    "canceled": ("batch_cancelled", "This request was not executed: its batch was cancelled."),
}


def create(server: Application, incoming: Incoming) -> dict[str, Any]:
    """Accept a batch and answer its requests. A bad file fails the batch later, as with the real endpoint."""
    try:
        asked = json.loads(incoming.body)
        name, endpoint = asked["input_file_id"], asked["endpoint"]
    except (ValueError, KeyError, TypeError) as error:
        raise Malformed(f"Missing required parameter: {error}") from error
    wire = reads(endpoint)
    if asked.get("completion_window") != "24h":
        raise Malformed("Invalid value for 'completion_window'. Supported values are: '24h'.")
    metadata = asked.get("metadata")
    _check_metadata(metadata)
    file = find(server, name)
    if file.purpose != "batch":
        raise Malformed("Invalid file purpose for Batch API. Purpose must be 'batch'.")
    facts = {"endpoint": endpoint, "input_file_id": name, "metadata": metadata}
    batch = Batch(server.identity("batch"), [], facts=facts)
    rows, batch.problems = _rows(file.content, endpoint)
    if not batch.problems:
        batch.items = [server.item(wire, row["body"], row["custom_id"], batch.id) for row in rows]
    server.batches.add(batch)
    return shown(server, batch)


def _check_metadata(metadata: Any) -> None:
    pairs = metadata.items() if isinstance(metadata, Mapping) else ()
    fits = all(isinstance(text, str) and len(name) <= 64 and len(text) <= 512 for name, text in pairs)
    if (metadata is not None and not isinstance(metadata, Mapping)) or not fits or len(pairs) > 16:
        raise Malformed("Invalid 'metadata': at most 16 strings of at most 512 characters.")


def _rows(content: bytes, endpoint: str) -> tuple[list[Mapping[str, Any]], list[dict[str, Any]]]:
    """Rows of an input file, and what is wrong with it."""
    if len(content) > LARGEST:
        return [], [_problem("file_too_large", "The input file is larger than 200 MB.", None)]
    rows: list[Mapping[str, Any]] = []
    problems: list[dict[str, Any]] = []
    names: set[str] = set()
    for number, line in enumerate(content.splitlines(), 1):
        try:
            row = json.loads(line)
            name, url, method, body = row["custom_id"], row["url"], row["method"], row["body"]
        except (ValueError, KeyError, TypeError):
            problems.append(_problem("invalid_json_line", "This line is not parseable as a request.", number))
            continue
        if name in names:
            problems.append(_problem("duplicate_custom_id", f"The custom_id '{name}' is used more than once.", number))
        if url != endpoint or method != "POST" or not isinstance(body, Mapping):
            problems.append(_problem("mismatched_url", "The url does not match the batch's endpoint.", number))
        names.add(name)
        rows.append(row)
    if len({row["body"].get("model") for row in rows if isinstance(row["body"], Mapping)}) > 1:
        problems.append(_problem("mismatched_model", "All requests of a batch must be for one model.", None))
    if not rows and not problems:
        problems.append(_problem("empty_file", "The input file is empty.", None))
    if len(rows) > MOST:
        problems.append(_problem("too_many_requests", f"A batch takes at most {MOST} requests.", None))
    return rows, problems


def _problem(code: str, message: str, line: int | None) -> dict[str, Any]:
    return {"code": code, "message": message, "param": None, "line": line}


def retrieve(server: Application, incoming: Incoming) -> dict[str, Any]:
    """Look at a batch; every look counts."""
    batch = server.batches.find(incoming.id)
    batch.look(server.behaviour, poll=True)
    return shown(server, batch)


def cancel(server: Application, incoming: Incoming) -> dict[str, Any]:
    """Cancel what has not ended."""
    batch = server.batches.find(incoming.id)
    batch.cancel()
    return shown(server, batch)


def listed(server: Application, incoming: Incoming) -> dict[str, Any]:
    """A page of batches, newest first."""
    rows = [shown(server, batch) for batch in server.batches.newest_first() if batch.id.startswith("batch_")]
    return openai_wire.page(rows, incoming.query)


def _write_files(server: Application, batch: Batch) -> None:
    """The output file, if anything succeeded, and the error file, if anything did not; once."""
    if batch.ended is None or batch.problems or "output_file_id" in batch.facts:
        return
    lines = {good: b"".join(_lines(batch.items, good)) for good in (True, False)}
    for good, name in ((True, "output"), (False, "error")):
        batch.facts[f"{name}_file_id"] = (
            store(server, lines[good], f"{batch.id}_{name}.jsonl", "batch_output").id if lines[good] else None
        )


def _lines(items: list[Item], succeeded: bool) -> Iterator[bytes]:
    for number, item in reversed(list(enumerate(items, 1))):
        if (item.state == "succeeded") is not succeeded:
            continue
        code, words = _UNASKED.get(item.state, ("", ""))
        identity = item.body.get("id", "")
        response = {"status_code": item.status, "request_id": f"req_{identity}", "body": item.body}
        row = {
            "id": f"batch_req_{number:020d}",
            "custom_id": item.custom_id,
            "response": None if code else response,
            "error": {"code": code, "message": words} if code else None,
        }
        yield (json.dumps(row, separators=(",", ":")).encode() + b"\n") * item.copies


def _status(batch: Batch) -> str:
    if batch.ended is None:
        return "cancelling" if batch.canceled is not None else "in_progress" if batch.polls else "validating"
    if batch.problems:
        return "failed"
    if batch.canceled is not None:
        return "cancelled"
    return "expired" if batch.count("expired") else "completed"


def shown(server: Application, batch: Batch) -> dict[str, Any]:
    """The batch as it stands."""
    batch.look(server.behaviour, poll=False)
    _write_files(server, batch)
    status, created = _status(batch), int(batch.created)
    ended = None if batch.ended is None else int(batch.ended)
    usage = _usage(batch) if ended is not None and batch.items else None
    return {
        "id": batch.id,
        "object": "batch",
        "endpoint": batch.facts["endpoint"],
        "errors": {"object": "list", "data": batch.problems} if status == "failed" else None,
        "input_file_id": batch.facts["input_file_id"],
        "completion_window": "24h",
        "status": status,
        "output_file_id": batch.facts.get("output_file_id"),
        "error_file_id": batch.facts.get("error_file_id"),
        "created_at": created,
        "in_progress_at": created if status not in ("validating", "failed") else None,
        "expires_at": created + _DAY,
        "finalizing_at": ended,
        "completed_at": ended if status == "completed" else None,
        "failed_at": ended if status == "failed" else None,
        "expired_at": ended if status == "expired" else None,
        "cancelling_at": None if batch.canceled is None else int(batch.canceled),
        "cancelled_at": ended if status == "cancelled" else None,
        "request_counts": {
            "total": 0 if status == "validating" else len(batch.items),
            "completed": batch.count("succeeded") if ended is not None else 0,
            "failed": batch.count("errored", "expired", "canceled") if ended is not None else 0,
        },
        "metadata": batch.facts["metadata"],
        "usage": usage,
    }


def _usage(batch: Batch) -> dict[str, Any]:
    each = [item.body["usage"] for item in batch.items if item.state == "succeeded"]
    sent = sum(one.get("prompt_tokens", one.get("input_tokens", 0)) for one in each)
    got = sum(one.get("completion_tokens", one.get("output_tokens", 0)) for one in each)
    return {
        "input_tokens": sent,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": got,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": sent + got,
    }
