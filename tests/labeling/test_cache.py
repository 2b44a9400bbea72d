import asyncio
import sqlite3
import subprocess
import sys
import textwrap

import pytest

from harness.errors import StoreError
from harness.labeling.cache import FILE, Entry, ReplyCache, Stored, storable
from harness.vlm import Reply, Usage

WHOLE = Stored(
    Reply("Zürnend 😠", "length", Usage(1, 2, 3, 4), "model-20260101", "id-1", "max_tokens", -0.25),
    "timeout",
    batch=True,
)


def entry(number, text="Glad", asker="asker"):
    return Entry(number.to_bytes(32), asker, "vlm", "model", Stored(Reply(text)))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "store" / FILE


@pytest.mark.parametrize("stored", [WHOLE, Stored(Reply(""))], ids=["everything", "nothing"])
def test_a_reply_comes_back_as_it_was_kept(path, stored):
    with ReplyCache(path) as cache:
        asyncio.run(cache.put(Entry(b"k", "asker", "vlm", "model", stored)))
    with ReplyCache(path) as cache:
        assert cache.get(b"k") == stored
        assert cache.get(b"other") is None


def test_many_keys_are_looked_up_at_once_and_unknown_ones_left_out(path):
    with ReplyCache(path) as cache:
        asyncio.run(cache.put_many([entry(number, str(number)) for number in range(1_500)]))
        found = cache.get_many([number.to_bytes(32) for number in range(0, 3_000, 2)])
    assert {key: one.reply.text for key, one in found.items()} == {
        number.to_bytes(32): str(number) for number in range(0, 1_500, 2)
    }


def test_the_first_of_two_replies_stays_and_is_what_counts(path):
    with ReplyCache(path) as cache:

        async def both():
            return [await cache.put(entry(1, "Glad")), await cache.put(entry(1, "Sad"))]

        assert [one.reply.text for one in asyncio.run(both())] == ["Glad", "Glad"]
        asyncio.run(cache.put_many([entry(1, "Cross")]))
        assert cache.get((1).to_bytes(32)).reply.text == "Glad"


def test_replies_that_wait_share_a_commit_and_each_is_there_when_its_put_returns(path):
    with ReplyCache(path) as cache:
        other = sqlite3.connect(path)

        async def put(number):
            await cache.put(entry(number))
            assert other.execute("SELECT 1 FROM replies WHERE key = ?", [number.to_bytes(32)]).fetchone()

        async def all_of_them():
            await asyncio.gather(*(put(number) for number in range(500)))

        commits = []
        cache._writer.set_trace_callback(lambda sql: commits.append(sql) if sql == "COMMIT" else None)
        asyncio.run(all_of_them())
        other.close()
    assert len(commits) < 50


def test_what_was_put_is_kept_though_nobody_waits_for_it_any_more(path):
    with ReplyCache(path) as cache:

        async def cancelled():
            task = asyncio.create_task(cache.put(entry(1)))
            await asyncio.sleep(0)
            task.cancel()
            await cache.put(entry(2))

        asyncio.run(cancelled())
        assert cache.get((1).to_bytes(32))


def test_half_a_surrogate_pair_becomes_storable():
    odd = Reply("Glad \ud83d", model="m\udc00", id="ü")
    assert storable(odd) == Reply("Glad ?", model="m?", id="ü")
    assert storable(Reply("Glad 😀")) == Reply("Glad 😀")


def test_a_write_that_cannot_be_fails_alone_and_later_ones_go_on(path):
    with ReplyCache(path) as cache:

        async def main():
            with pytest.raises(UnicodeEncodeError):
                await cache.put(entry(1, "\ud83d"))
            await asyncio.wait_for(cache.put(entry(2)), 5)

        asyncio.run(main())
        assert cache.get((2).to_bytes(32))


# --- batches


def test_a_batch_is_open_until_it_is_closed(path):
    keys = [number.to_bytes(32) for number in range(3)]

    async def main(cache):
        await cache.open_batch("tag", "asker", keys)
        await cache.open_batch("other", "somebody else", keys)
        (written,) = cache.open_batches("asker")
        assert (written.tag, written.items, written.batch) == ("tag", 3, None)
        assert cache.batch_keys("tag") == dict(enumerate(keys))
        await cache.name_batch("tag", "batch-1")
        assert cache.open_batches("asker")[0].batch == "batch-1"
        await cache.close_batch("tag")
        assert cache.open_batches("asker") == []
        assert cache.batch_keys("tag") == {}
        assert len(cache.open_batches("somebody else")) == 1

    with ReplyCache(path) as cache:
        asyncio.run(main(cache))


# --- what goes wrong


def test_a_file_that_is_no_database_is_named(path):
    path.parent.mkdir()
    path.write_bytes(b"no database" * 500)
    with pytest.raises(StoreError, match=r"replies\.sqlite' cannot be used \(file is not a database\); move the file"):
        ReplyCache(path)


def test_a_damaged_page_is_reported_by_every_way_of_reading(path):
    with ReplyCache(path) as cache:
        asyncio.run(cache.put_many([entry(number, "x" * 500) for number in range(2_000)]))
        asyncio.run(cache.open_batch("tag", "asker", [bytes(32)]))
    data = path.read_bytes()
    path.write_bytes(data[:4096] + b"\xa5" * (len(data) - 4096))
    with pytest.raises(StoreError, match="cannot be used"), ReplyCache(path) as cache:
        cache.get_many([number.to_bytes(32) for number in range(2_000)])
    with pytest.raises(StoreError, match="cannot be used"), ReplyCache(path) as cache:
        cache.open_batches("asker")


def test_a_row_that_holds_no_reply_is_reported(path):
    with ReplyCache(path) as cache:
        asyncio.run(cache.put(entry(1)))
        cache._writer.execute("UPDATE replies SET reply = '{\"text\": 1'")
        with pytest.raises(StoreError, match="cannot be used"):
            cache.get((1).to_bytes(32))


def test_a_folder_that_cannot_be_made_is_reported(tmp_path):
    (tmp_path / "store").write_text("a file")
    with pytest.raises(StoreError, match="cannot be used"):
        ReplyCache(tmp_path / "store" / FILE)


def run_python(code, *arguments):
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)], capture_output=True, text=True, timeout=60
    )


def test_a_full_disk_ends_with_one_line_and_what_was_kept_is_whole(path):
    done = run_python(
        """
        import asyncio, resource, signal, sys
        from pathlib import Path
        from harness.errors import StoreError
        from harness.labeling.cache import Entry, ReplyCache, Stored
        from harness.vlm import Reply

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
        kept = []

        async def main(cache):
            for number in range(10_000):
                await cache.put(Entry(number.to_bytes(32), "a", "vlm", "model", Stored(Reply("x" * 5000))))
                kept.append(number)

        with ReplyCache(Path(sys.argv[1])) as cache:
            try:
                asyncio.run(main(cache))
            except StoreError as error:
                print(len(kept), error)
        """,
        path,
    )
    kept, _, said = done.stdout.partition(" ")
    assert said.startswith("no space left for the replies in") or "cannot be used (disk I/O error)" in said, done
    assert int(kept) > 5
    with ReplyCache(path) as cache:
        assert len(cache.get_many([number.to_bytes(32) for number in range(int(kept))])) == int(kept)


def test_two_processes_write_one_file_at_once(path):
    code = """
        import asyncio, sys
        from pathlib import Path
        from harness.labeling.cache import Entry, ReplyCache, Stored
        from harness.vlm import Reply

        async def main(cache, name):
            async def put(number):
                entry = Entry(number.to_bytes(32), "a", "vlm", "model", Stored(Reply(name)))
                return (await cache.put(entry)).reply.text
            for start in range(0, 400, 8):
                print(*await asyncio.gather(*(put(number) for number in range(start, start + 8))))

        with ReplyCache(Path(sys.argv[1])) as cache:
            asyncio.run(main(cache, sys.argv[2]))
        """
    both = [
        subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(code), str(path), name], stdout=subprocess.PIPE, text=True
        )
        for name in ("first", "second")
    ]
    said = [process.communicate(timeout=60)[0].split() for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert said[0] == said[1]  # whoever was first, both count the same reply
    with ReplyCache(path) as cache:
        stored = cache.get_many([number.to_bytes(32) for number in range(400)])
    assert [stored[number.to_bytes(32)].reply.text for number in range(400)] == said[0]


def test_a_file_that_another_process_holds_for_long_is_reported(path):
    with ReplyCache(path) as cache:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        cache._writer.execute("PRAGMA busy_timeout=50")
        with pytest.raises(StoreError, match="locked by another process; try again when it has finished"):
            asyncio.run(cache.put(entry(1)))
        other.execute("ROLLBACK")
        other.close()
        asyncio.run(cache.put(entry(1)))
