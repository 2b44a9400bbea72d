import asyncio
import io
import json
import tempfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image
from scripted_model import Options as Asked

from harness.components import Decisions, Job, Options, Scores
from harness.executors.work import work
from harness.expressions import Label, LabelSpace, label_space
from harness.faces.artifact import CROPS, TableWriter
from harness.labeling.brake import Brake
from harness.labeling.budget import Budget, Terms
from harness.labeling.cache import FILE, ReplyCache
from harness.labeling.engine import Engine
from harness.labeling.meter import Meter
from harness.stage import StageContext
from harness.vlm import Reply

SPACE = LabelSpace("three", (Label("Glad"), Label("Sad"), Label("Cross")))


class Brightness:
    """A real scorer for flat crops: grey 0, 1 and 2 are the classes, 3 an abstention."""

    def __init__(self, options, label_space):
        self.classes = len(label_space)

    def score(self, faces):
        grey = faces[:, 0, 0, 0].astype(int)
        rows = np.full((len(faces), self.classes), np.nan, np.float32)
        rows[grey < 3] = np.where(np.eye(3)[grey[grey < 3]] == 1, 0.8, 0.1)
        return Scores(rows, [f"grey {value}" for value in grey])


class Darkest:
    """A joint scorer: the darkest face of each clip is Glad, all others are Sad."""

    def __init__(self, options, label_space):
        self.classes = len(label_space)

    def score(self, faces):
        raise AssertionError("a joint scorer is asked to measure")

    def measure(self, faces):
        return faces[:, 0, 0, :1].astype(np.float32)

    def judge(self, measures, frames):
        rows = np.zeros((len(measures), self.classes), np.float32)
        darkest = frames.assign(grey=measures[:, 0]).groupby("clip")["grey"].transform("min").to_numpy()
        rows[np.arange(len(rows)), np.where(measures[:, 0] == darkest, 0, 1)] = 1
        return Scores(rows)


class Knows:
    def __init__(self, options, label_space):
        pass

    def look_up(self, frames, truth):
        rows = np.full((len(frames), 3), np.nan, np.float32)
        known = truth["label"].to_numpy() >= 0
        rows[known] = np.eye(3)[truth["label"].to_numpy()[known]]
        return Scores(rows)


class Talker:
    def __init__(self, options, label_space=None):
        pass

    async def reply(self, image, prompt, schema):
        return Reply("Glad")


class Broken:
    """Scores that break the contract in the way that class attributes say."""

    rows = ((0.5, 0.6, 0.1),)
    told = None

    def __init__(self, options, label_space):
        pass

    def score(self, faces):
        return Scores(np.array(self.rows * len(faces), np.float32), self.told)


class First:
    """Decides for the first voter that voted."""

    def __init__(self, options):
        pass

    def aggregate(self, votes):
        rows = np.full(votes.probabilities.shape[1:], np.nan, np.float32)
        for voter in votes.probabilities[::-1]:
            given = ~np.isnan(voter[:, 0])
            rows[given] = voter[given]
        labels = np.where(np.isnan(rows[:, 0]), -1, np.nan_to_num(rows).argmax(1))
        return Decisions(labels.astype(np.int64), rows)


COMPONENTS = {
    "brightness": Brightness, "darkest": Darkest, "knows": Knows, "talker": Talker, "broken": Broken, "first": First,
}  # fmt: skip


class Components:
    """Builds the components of this file, which no distribution announces."""

    def options(self, kind, name, data):
        return Options()

    def build(self, kind, name, data, **context):
        return COMPONENTS[name](data, **context)


@pytest.fixture
def faces(tmp_path):
    """Writes a faces artifact of flat grey crops: faces(("a", 0, 1), ...) is clip, frame, grey."""

    def write(*rows):
        folder = tmp_path / "faces"
        folder.mkdir()
        with TableWriter(folder, CROPS) as writer:
            for number, (clip, frame, grey) in enumerate(rows):
                buffer = io.BytesIO()
                Image.new("RGB", (8, 8), (grey,) * 3).save(buffer, "PNG")
                columns = {"face": number, "clip": clip, "frame": frame, "subject": clip}
                columns |= {"image": buffer.getvalue(), "sha256": ""}
                writer.append({name: [value] for name, value in columns.items()})
        return folder

    return write


@pytest.fixture
def context(tmp_path):
    """A stage context with an empty folder: context({"labeler": ...}, faces=folder)."""

    def make(params, name="out", **inputs):
        folder = tmp_path / name
        folder.mkdir()
        inputs = {key.replace("_", "-"): value for key, value in inputs.items()}
        return StageContext(folder, {"label_space": SPACE.as_dict(), **params}, inputs, Components())

    return make


# --- asking language models

PRICES = """
[somebody]
batch = 0.5
[somebody.models.priced]
input = 1000.0
output = 2000.0
"""


class VirtualTime(asyncio.SelectorEventLoop):
    """A loop whose clock jumps to the next timer as soon as nothing is left to do; it waits only for threads."""

    def __init__(self):
        super().__init__()
        self._now = 0.0
        self._outside = 0

    def time(self):
        return self._now

    def run_in_executor(self, executor, function, *arguments):
        self._outside += 1
        future = super().run_in_executor(executor, function, *arguments)
        future.add_done_callback(self._came_back)
        return future

    def _came_back(self, _future):
        self._outside -= 1

    def _run_once(self):
        if not self._ready and self._scheduled and not self._outside:
            self._now = max(self._now, self._scheduled[0].when())
        super()._run_once()


@pytest.fixture
def virtual():
    """Runs a coroutine in virtual time: what it returned, and the seconds that it took there."""

    def run(coroutine):
        with asyncio.Runner(loop_factory=VirtualTime) as runner:
            return runner.run(coroutine), runner.get_loop().time()

    return run


@pytest.fixture
def prompts(tmp_path):
    """Writes a prompt set: prompts("one", question) has a prompt P1, prompts("two", a, b) two of them; steps: one
    prompt of several steps."""

    def write(name, *texts, steps=()):
        lines = [f'name = "{name}"']
        for number, text in enumerate(texts, start=1):
            lines += ["[[prompts]]", f'name = "P{number}"', f"text = {json.dumps(text)}"]
        if steps:
            lines += ["[[prompts]]", 'name = "P1"', f"steps = {json.dumps(list(steps))}"]
        path = tmp_path / f"{name}.toml"
        path.write_text("\n".join(lines))
        return str(path)

    return write


@pytest.fixture
def prices(tmp_path):
    """A file with the price of the model "priced": $1000 a million tokens sent, $2000 a million answered."""
    path = tmp_path / "prices.toml"
    path.write_text(PRICES)
    return str(path)


@pytest.fixture
def label(tmp_path, prompts):
    """Runs the stage with a real labeler against a provider server: label(server, faces, "claude", votes=2)."""
    one = prompts("one", "Which expression is it: {options}?")

    def run(
        server, faces, labeler="openai", *, store="store", larger=None, stopping=None, progress=lambda *_: None,
        params=None, **options,
    ):  # fmt: skip
        url = server if isinstance(server, str) else server.url if labeler == "claude" else server.openai_url
        defaults = {"model": "priced", "prompts": one, "limits": {"connections": 4, "attempts": 2}, "base_url": url}
        if labeler == "claude":
            defaults |= {"check_model": False, "max_tokens": 64}
        folder = Path(tempfile.mkdtemp(dir=tmp_path))
        job = Job(
            "label", "label",
            {
                "labeler": {"use": labeler, "options": {**defaults, **options}},
                "label_space": label_space("abaw-compound-7").as_dict(), "sample": {"rule": "all"},
                "allow_remote": False, "data": "clips", **(params or {}),
            },
            {"faces": str(faces), **({"larger": str(larger)} if larger else {})}, str(folder),
            {"third_party": True, "blocked": []}, str(tmp_path / store),
        )  # fmt: skip
        result = work(job, progress, stopping)
        return SimpleNamespace(
            notices=result.notices,
            votes=pq.read_table(folder / "votes.parquet").to_pylist(),
            replies=pq.read_table(folder / "replies.parquet").to_pylist(),
            summary=json.loads((folder / "asking.json").read_text()),
        )

    return run


@pytest.fixture
def some_faces(faces):
    """Writes a faces artifact of so many different crops, all of one clip."""
    return lambda count: faces(*(("a", number, number) for number in range(count)))


@pytest.fixture
def cache(tmp_path):
    with ReplyCache(tmp_path / FILE) as cache:
        yield cache


@pytest.fixture
def engine(cache):
    """Makes an engine, inside the loop: engine(model, cap=2.0, price=PRICE, limits={...})."""

    def make(model, *, cap=None, price=None, most_output=1024, offline=False, warn=lambda _: None, **options):
        meter, brake = Meter(), Brake()
        return Engine(
            model, "vlm", "asker", Asked(**options), cache=cache, meter=meter, brake=brake,
            budget=Budget(cap, meter, brake), terms=Terms(price, most_output), offline=offline, warn=warn,
        )  # fmt: skip

    return make
