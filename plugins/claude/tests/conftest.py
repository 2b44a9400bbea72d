import asyncio
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from harness_claude.labeler import Claude
from harness_claude.options import ClaudeOptions

from harness.testing.providers import ProviderServer

KEY = "sk-ant-test-0123456789"
MESSAGE = {
    "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x", "stop_reason": "end_turn",
    "content": [{"type": "text", "text": "Sadly Angry"}], "usage": {"input_tokens": 7, "output_tokens": 2},
}  # fmt: skip


@pytest.fixture(autouse=True)
def key(monkeypatch):
    """The API key of the environment, which no message may show."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    return KEY


@pytest.fixture
def face():
    """Bytes that begin like a JPEG."""
    return b"\xff\xd8\xff\xe0" + bytes(range(256))


@pytest.fixture
def server():
    with ProviderServer() as running:
        yield running


@pytest.fixture
def run():
    """run(url, work, **options): what `await work(claude)` gives, with a labeler that is closed afterwards."""

    def run(url, work, **options):
        async def main():
            claude = Claude(ClaudeOptions(base_url=url, **options))
            try:
                return await work(claude)
            finally:
                await claude.close()

        return asyncio.run(main())

    return run


class Listener:
    """A server of one answer, which keeps what it was sent; answer: (status, headers, body)."""

    def __init__(self):
        self.answer = (200, {}, json.dumps(MESSAGE).encode())
        self.paths, self.bodies, self.headers = [], [], []
        self.port = 0

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def take(self, path, headers, body):
        self.paths.append(path)
        self.headers.append(dict(headers))
        self.bodies.append(body)
        return self.answer

    @property
    def sent(self):
        """The last body, decoded."""
        return json.loads(self.bodies[-1])


@contextmanager
def listening():
    listener = Listener()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            status, headers, answer = listener.take(self.path, self.headers, body)
            self.send_response(status)
            for name, value in {"content-type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def do_GET(self):
            self.do_POST()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    listener.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield listener
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def listener():
    with listening() as one:
        yield one


@pytest.fixture
def another_listener():
    with listening() as one:
        yield one
