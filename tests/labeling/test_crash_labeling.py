"""kill -9 at random moments of a labelling: nothing stored is asked again, batches pay for nothing twice.

The figures of each run are printed (pytest -s).
"""

import hashlib
import io
import itertools
import json
import random
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from dataclasses import asdict

import pyarrow.parquet as pq
import pytest
from PIL import Image

from harness.components import Job
from harness.expressions import label_space
from harness.faces.artifact import CROPS, TableWriter
from harness.labeling.asking import Questioner, Way
from harness.labeling.crops import FacesToAsk
from harness.labeling.keys import Keys, asker_of
from harness.labeling.providers import asked, parser_of, voters
from harness.plugins import Registry
from harness.testing.providers import Answer, ProviderProcess, Rule, answered_more_than

FACES = 1000
KILLS = 20
CONNECTIONS = 24
COMMITTING = CONNECTIONS + 16  # answers that came a moment ago, on their way to the disk: at most, if that is slow
SPACE = label_space("abaw-compound-7")
RUN = """
import json, sys
from harness.components import Job
from harness.executors.work import work
work(Job(**json.loads(sys.argv[1])), lambda *_: None)
"""


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    """A faces artifact of 1000 different crops."""
    folder = tmp_path_factory.mktemp("faces")
    with TableWriter(folder, CROPS) as writer:
        for number in range(FACES):
            buffer = io.BytesIO()
            Image.new("RGB", (16, 16), (number % 256, number // 256, 99)).save(buffer, "PNG")
            columns = {"face": number, "clip": f"c{number // 50}", "frame": number % 50, "subject": "s", "sha256": ""}
            writer.append({name: [value] for name, value in {**columns, "image": buffer.getvalue()}.items()})
    return folder


class Labelling:
    """One job, killed again and again."""

    def __init__(self, folder, faces, server, labeler, **options):
        self.folder, self.server = folder, server
        self.votes = options.get("votes", 1)
        url = server.url if labeler == "claude" else server.openai_url
        options = {"model": "m", "base_url": url, "limits": {"connections": CONNECTIONS}, **options}
        prompt = folder.parent / "one.toml"
        prompt.write_text('name = "one"\n[[prompts]]\nname = "P1"\ntext = "Which expression is it: {options}?"\n')
        options["prompts"] = str(prompt)
        if labeler == "claude":
            options["check_model"] = False
        self.component = {"use": labeler, "options": options}
        self.job = Job(
            "label", "label",
            {
                "labeler": self.component, "label_space": SPACE.as_dict(), "sample": {"rule": "all"},
                "allow_remote": False, "data": "faces",
            },
            {"faces": str(faces)}, "", {"third_party": True, "blocked": []}, str(folder / "store"),
        )  # fmt: skip
        self.starts = 0
        self.images = self._images(faces)

    def _images(self, faces):
        """key of a reply -> sha256 of the image that was sent for it."""
        one = asked(Registry.discover(), self.component)
        keys = Keys(asker_of(one.name, one.options.asking()))
        way = Way(None, keys, one.options, parser_of(SPACE, {}), one.enum, one.options.image)
        questioner = Questioner([way], len(SPACE))
        requests = [
            questioner.first(face, voter)
            for face in FacesToAsk.sampled(faces, {"rule": "all"})
            for voter in voters(one.name, one.render(SPACE), one.options.votes)
        ]
        return {request.key: hashlib.sha256(request.image).hexdigest() for request in requests}

    def start(self):
        self.starts += 1
        folder = self.folder / f"artifact-{self.starts}"
        folder.mkdir(parents=True)
        job = json.dumps({**asdict(self.job), "folder": str(folder)})
        return subprocess.Popen([sys.executable, "-c", RUN, job], stderr=subprocess.PIPE, text=True)

    def stored(self):
        """Keys of all stored replies."""
        path = self.folder / "store" / "replies.sqlite"
        if not path.exists():
            return []
        with sqlite3.connect(path, timeout=30) as db:
            exists = db.execute("SELECT COUNT(*) FROM sqlite_master WHERE name = 'replies'").fetchone()[0]
            keys = [key for (key,) in db.execute("SELECT key FROM replies")] if exists else []
        db.close()
        return keys

    def kill_until_done(self, most, chance, shortest, longest):
        """Start, kill after a random time, start again, so often at most; yields the moment of every kill. Returns
        when a run has got to its end."""
        for kills in itertools.count():
            process = self.start()
            try:
                _, errors = process.communicate(timeout=chance.uniform(shortest, longest) if kills < most else 120)
                assert process.returncode == 0, errors
                return
            except subprocess.TimeoutExpired:
                assert kills < most
                killed = time.time()
            finally:
                process.kill()
                process.communicate()
            yield killed

    def check_the_end(self):
        stored = self.stored()
        assert len(stored) == FACES * self.votes
        assert set(stored) == set(self.images)
        artifact = self.folder / f"artifact-{self.starts}"
        votes = pq.read_table(artifact / "votes.parquet").to_pylist()
        assert len(votes) == FACES * self.votes
        assert {vote["outcome"] for vote in votes} == {"label"}
        path = self.folder / "store" / "replies.sqlite"
        with sqlite3.connect(path) as db:
            left = "SELECT (SELECT COUNT(*) FROM batches), (SELECT COUNT(*) FROM batch_items)"
            assert db.execute(left).fetchone() == (0, 0)
        db.close()


@pytest.mark.slow
@pytest.mark.parametrize(("labeler", "votes"), [("openai", 2), ("claude", 1)])
def test_no_stored_reply_is_asked_for_again(tmp_path, faces, labeler, votes):
    chance, kills, repeats, jobs = random.Random(labeler), 0, [], 0
    with ProviderProcess(latency=0.3) as server:
        while kills < KILLS:
            jobs += 1
            server.reset()
            one = Labelling(tmp_path / f"job-{jobs}", faces, server, labeler, votes=votes)
            lost, asked_before, last = 0, [], 0.0
            for killed in one.kill_until_done(KILLS - kills, chance, 1.0, 4.0):
                kills += 1
                time.sleep(0.4)  # what was on its way has arrived, and was answered or abandoned
                replies, stored = server.replies, Counter(one.images[key] for key in one.stored())
                counts = Counter(request.image for request in replies)
                asked_before.append({image: counts[image] for image in stored if stored[image] == votes})
                in_flight = len(replies) - stored.total() - lost
                assert 0 <= in_flight <= CONNECTIONS + COMMITTING
                lost += in_flight
                repeats.append(in_flight)
                answered = [request for request in replies if request.answered and request.sent < killed - 0.5]
                old = Counter(request.image for request in answered if request.arrived > last + 0.2)
                assert all(stored[image] >= count for image, count in old.items())
                last = killed
            one.check_the_end()
            counts = Counter(request.image for request in server.replies)
            for before in asked_before:
                assert {image: counts[image] for image in before} == before
            assert sum(counts.values()) == FACES * votes + lost
    usual = sorted(repeats)[len(repeats) // 2]
    assert usual <= CONNECTIONS
    again = f"{sum(repeats)} requests asked again, {usual} in the median and at most {max(repeats)} after one kill"
    sys.stdout.write(f"\n{labeler}: {jobs} jobs, {kills} kills, {again}\n")


@pytest.mark.slow
@pytest.mark.parametrize("labeler", ["openai", "claude"])
def test_no_item_of_a_batch_is_paid_for_twice(tmp_path, faces, labeler):
    chance, kills, jobs, orphans = random.Random(labeler), 0, 0, 0
    slowly = Rule(Answer(latency=0.3), on="batch.create")  # accepted at once, said later: the moment that matters
    with ProviderProcess(batch_polls=2, rules=[slowly]) as server:
        while kills < KILLS:
            jobs += 1
            server.reset()
            one = Labelling(
                tmp_path / f"job-{jobs}", faces, server, labeler, batch=True, batch_requests=40, batch_poll=0.15
            )
            # Whether a batch was handed in takes the labeler openai three seconds to tell.
            for _ in one.kill_until_done(KILLS - kills, chance, 1.0, 7.0):
                kills += 1
                with sqlite3.connect(one.folder / "store" / "replies.sqlite") as db:
                    exists = db.execute("SELECT COUNT(*) FROM sqlite_master WHERE name = 'batches'").fetchone()[0]
                    if exists:
                        orphans += db.execute("SELECT COUNT(*) FROM batches WHERE batch IS NULL").fetchone()[0]
                db.close()
            one.check_the_end()
            items = [request for request in server.requests if request.operation == "batch.item"]
            assert answered_more_than(1, items) == {}
            assert len(items) == FACES
            assert not server.replies
    unnamed = f"{orphans} of them between the note of a batch and its id"
    sys.stdout.write(f"\n{labeler} in batches: {jobs} jobs, {kills} kills, {unnamed}, nothing paid for twice\n")
