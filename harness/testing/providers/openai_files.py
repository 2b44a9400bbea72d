"""OpenAI's files: multipart uploads, contents."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from email.message import Message
from typing import TYPE_CHECKING, Any

from harness.testing.providers import openai_wire
from harness.testing.providers.asked import Malformed
from harness.testing.providers.behaviour import Answer
from harness.testing.providers.incoming import Failure, Incoming

if TYPE_CHECKING:
    from harness.testing.providers.application import Application

_NAME = re.compile(r'\bname="([^"]*)"')
_FILENAME = re.compile(r'\bfilename="([^"]*)"')


@dataclass
class File:
    """A stored file."""

    id: str
    content: bytes
    name: str
    purpose: str
    created: float = field(default_factory=time.time)

    def as_dict(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "object": "file",
            "bytes": len(self.content),
            "created_at": int(self.created),
            "expires_at": None,
            "filename": self.name,
            "purpose": self.purpose,
            "status": "processed",
            "status_details": None,
        }


def create(server: Application, incoming: Incoming) -> dict[str, Any]:
    """Store an upload; Malformed."""
    parts = multipart(incoming.head.headers().get("content-type", ""), incoming.body)
    purpose = parts.get("purpose", ("", b""))[1].decode()
    if purpose not in ("batch", "assistants", "fine-tune", "vision", "user_data", "evals"):
        raise Malformed(f"'{purpose}' is not one of the purposes of files")
    if "file" not in parts:
        raise Malformed("'file' is a required property")
    name, content = parts["file"]
    return store(server, content, name, purpose).as_dict()


def store(server: Application, content: bytes, name: str, purpose: str) -> File:
    """Keep a new file."""
    file = File(server.identity("file"), content, name, purpose)
    server.files[file.id] = file
    return file


def find(server: Application, name: str) -> File:
    """Failure 404 for an unknown id."""
    if name not in server.files:
        raise Failure(Answer(status=404, message=f"No such File object: {name}"))
    return server.files[name]


def retrieve(server: Application, incoming: Incoming) -> dict[str, Any]:
    return find(server, incoming.id).as_dict()


def content(server: Application, incoming: Incoming) -> bytes:
    return find(server, incoming.id).content


def delete(server: Application, incoming: Incoming) -> dict[str, Any]:
    del server.files[find(server, incoming.id).id]
    return {"id": incoming.id, "object": "file", "deleted": True}


def listed(server: Application, incoming: Incoming) -> dict[str, Any]:
    """A page of files, newest first; `purpose` chooses."""
    purpose = incoming.query.get("purpose")
    rows = [file.as_dict() for file in reversed(server.files.values()) if purpose in (None, file.purpose)]
    return openai_wire.page(rows, {"limit": "10000"} | dict(incoming.query))


def multipart(content_type: str, body: bytes) -> dict[str, tuple[str, bytes]]:
    """Fields of a multipart/form-data body (RFC 7578): name -> (file name or "", content); Malformed."""
    header = Message()
    header["content-type"] = content_type
    boundary = header.get_param("boundary")
    if header.get_content_type() != "multipart/form-data" or not isinstance(boundary, str):
        raise Malformed("files are uploaded as multipart/form-data")
    parts = {}
    for part in (b"\r\n" + body).split(b"\r\n--" + boundary.encode())[1:-1]:
        head, found, content = part.partition(b"\r\n\r\n")
        name = _NAME.search(head.decode("utf-8", "replace"))
        if not found or name is None:
            raise Malformed("multipart/form-data: a part without a name")
        filename = _FILENAME.search(head.decode("utf-8", "replace"))
        parts[name[1]] = filename[1] if filename else "", content
    return parts
