import errno
import json
import multiprocessing
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import StoreError
from harness.store import UNFINISHED, Manifest, Store, canonical, fingerprint_of, full_disk

FINGERPRINT = fingerprint_of("an artifact")


def put(store, fingerprint=FINGERPRINT, text="hello", stage="faces"):
    with store.writing(fingerprint) as folder:
        (folder / "table.txt").write_text(text)
        return store.commit(folder, Manifest(stage, fingerprint, {"a": 1}, {}, notices=("mind this",)))


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), json_values))
def test_the_order_of_keys_does_not_change_a_fingerprint(data):
    backwards = dict(reversed(list(data.items())))
    assert fingerprint_of(data) == fingerprint_of(backwards)
    assert json.loads(canonical(data)) == data


def test_a_fingerprint_of_nan_is_refused():
    with pytest.raises(ValueError, match="not JSON compliant"):
        fingerprint_of({"x": float("nan")})


def test_a_committed_artifact_is_found_with_its_files_and_notices(store):
    put(store)
    found = store.find("faces", FINGERPRINT, deep=True)
    assert found is not None
    assert (found.folder / "table.txt").read_text() == "hello"
    assert found.manifest.notices == ("mind this",)
    assert found.manifest.size == 5
    assert list(store.artifacts()) == [("faces", FINGERPRINT)]


def test_an_artifact_that_was_not_committed_is_absent(store):
    def fail():
        with store.writing(FINGERPRINT) as folder:
            (folder / "half.txt").write_text("half")
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        fail()
    assert store.find("faces", FINGERPRINT) is None
    assert not list((store.root / ".work").iterdir())


def test_what_a_killed_writer_left_is_removed_by_the_next_writer(store):
    left = store.root / ".work" / f"{FINGERPRINT[:24]}-1-0"
    left.mkdir()
    put(store)
    assert not left.exists()


def test_a_file_of_another_size_is_damage(store):
    artifact = put(store)
    (artifact.folder / "table.txt").write_text("hello!")
    with pytest.raises(StoreError, match=r"'table.txt' has 6 bytes, not 5"):
        store.find("faces", FINGERPRINT)


def test_a_changed_byte_is_damage_to_a_deep_look(store):
    artifact = put(store)
    (artifact.folder / "table.txt").write_text("hellO")
    assert store.find("faces", FINGERPRINT)
    with pytest.raises(StoreError, match="'table.txt' is damaged"):
        store.find("faces", FINGERPRINT, deep=True)


def test_a_missing_file_is_damage(store):
    artifact = put(store)
    (artifact.folder / "table.txt").unlink()
    with pytest.raises(StoreError, match="lacks its file 'table.txt'"):
        store.find("faces", FINGERPRINT)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}"])
def test_a_broken_manifest_is_damage(store, text):
    artifact = put(store)
    (artifact.folder / "manifest.json").write_text(text)
    with pytest.raises(StoreError, match=f"faces/{FINGERPRINT[:12]} has no readable manifest"):
        store.find("faces", FINGERPRINT)


def test_an_artifact_of_another_schema_names_both_versions(store):
    artifact = put(store)
    manifest = artifact.folder / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "schema": 99}))
    with pytest.raises(StoreError, match="of store schema 99; this version reads 1"):
        store.find("faces", FINGERPRINT)


def test_an_invalidated_artifact_is_gone(store):
    put(store)
    store.invalidate("faces", FINGERPRINT)
    store.invalidate("faces", FINGERPRINT)
    assert store.find("faces", FINGERPRINT) is None
    assert not list((store.root / ".work").iterdir())


def test_the_second_of_two_writers_keeps_what_the_first_wrote(store):
    with store.writing(FINGERPRINT) as slow:
        (slow / "table.txt").write_text("slow")
        other = Store(store.root)
        aside = other.root / ".work" / f"{FINGERPRINT[:24]}-{os.getpid()}-77"
        aside.mkdir()
        (aside / "table.txt").write_text("fast")
        other.commit(aside, Manifest("faces", FINGERPRINT, {}, {}))
        artifact = store.commit(slow, Manifest("faces", FINGERPRINT, {}, {}))
    assert (artifact.folder / "table.txt").read_text() == "fast"


def test_prune_removes_what_no_run_used_lately(store):
    old, fresh = fingerprint_of("old"), fingerprint_of("fresh")
    put(store, old)
    put(store, fresh)
    (store.root / ".work" / "abc-999999999-0").mkdir()
    month_ago = time.time() - 31 * 86400
    os.utime(store.folder("faces", old) / "manifest.json", (month_ago, month_ago))
    removed, freed = store.prune(30)
    assert removed == 1
    assert freed > 5
    assert list(store.artifacts()) == [("faces", fresh)]
    assert not list((store.root / ".work").iterdir())


def test_prune_removes_trainings_that_never_went_on(store):
    folder = store.root / UNFINISHED
    folder.mkdir()
    for name in ("old", "fresh"):
        (folder / name).write_bytes(bytes(100))
    os.utime(folder / "old", (1, 1))
    assert store.prune(30) == (0, 100)
    assert [path.name for path in folder.iterdir()] == ["fresh"]
    assert list(store.artifacts()) == []


def test_using_an_artifact_keeps_it_from_being_pruned(store):
    put(store)
    os.utime(store.folder("faces", FINGERPRINT) / "manifest.json", (1, 1))
    store.used("faces", FINGERPRINT)
    assert store.prune(30) == (0, 0)


def test_a_store_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="the store .*file/store' cannot be used: Not a directory"):
        Store(tmp_path / "file" / "store")


def test_a_full_disk_says_what_to_do(tmp_path):
    text = str(full_disk(OSError(errno.ENOSPC, "No space left on device"), tmp_path))
    assert "no space left" in text
    assert "run the same command again" in text
    assert "cannot be written: Permission denied" in str(
        full_disk(OSError(errno.EACCES, "Permission denied"), tmp_path)
    )


def _hold(root, fingerprint, held, release):
    with Store(root).lock(fingerprint):
        held.set()
        release.wait(20)


def test_a_lock_is_waited_for_and_the_wait_is_told(store):
    context = multiprocessing.get_context("spawn")
    held, release = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(store.root, FINGERPRINT, held, release))
    other.start()
    assert held.wait(20)
    told = []

    def waiting():
        told.append(True)
        release.set()

    with store.lock(FINGERPRINT, waiting):
        assert told == [True]
    other.join()


WRITER = """
import sys, time
from pathlib import Path
from harness.store import UNFINISHED, Manifest, Store
store = Store(Path(sys.argv[1]))
for round in range(10_000):
    fingerprint = f"{round:064d}"
    with store.lock(fingerprint), store.writing(fingerprint) as folder:
        (folder / "a.bin").write_bytes(b"a" * 100_000)
        (folder / "b.bin").write_bytes(b"b" * 100_000)
        store.commit(folder, Manifest("faces", fingerprint, {}, {}))
    print(round, flush=True)
"""


def test_after_kill_9_every_artifact_is_whole_or_absent(store):
    for rounds in (1, 3, 6):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(store.root)], stdout=subprocess.PIPE)
        for _ in range(rounds):
            writer.stdout.readline()
        writer.kill()
        writer.wait()
        writer.stdout.close()
        for stage, fingerprint in store.artifacts():
            assert store.find(stage, fingerprint, deep=True)
        with store.lock(f"{rounds:064d}"):  # the dead writer's lock is free
            pass
        store.prune(1)
        assert not list(Path(store.root / ".work").iterdir())
        store.prune(0)
