"""Runs with several lanes: what runs when, and who is told. Stages here are a few bytes."""

from __future__ import annotations

import threading
from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lanes_of_bytes import (
    Bench,
    Heard,
    OneByOne,
    SideBySide,
    contents,
    ensemble,
    network,
    plan_of,
    stage,
)

from harness.components import Executor, LanedExecutor
from harness.lanes import chains_of
from harness.making import Step
from harness.run import execute
from harness.stages import STAGES
from harness.store import Store

PLUGINS = {"third_party": False, "blocked": []}
OF_NETWORKS = ("train", "predict")


@st.composite
def plans(draw):
    """Random stages of networks and others, each with inputs among those before it."""
    stages = []
    for number in range(draw(st.integers(1, 12))):
        kind = draw(st.sampled_from(["train", "predict", "train", "predict", "faces", "fuse"]))
        inputs = draw(st.lists(st.sampled_from(stages), unique_by=id, max_size=3)) if stages else []
        stages.append(stage(kind, f"{kind} {number}", inputs))
    wanted = draw(st.permutations(stages))
    return plan_of(wanted)


@settings(deadline=None, max_examples=30)
@given(plans(), st.integers(1, 4), st.integers(0, 99))
def test_every_stage_runs_once_after_its_inputs_never_too_many_at_once_and_others_alone(plan, lanes, seed):
    with TemporaryDirectory() as folder:
        alone, spread = Store(Path(folder) / "alone"), Store(Path(folder) / "spread")
        quiet, bench = Bench(), Bench(seed=seed)
        execute(plan, alone, OneByOne(quiet), Heard(), PLUGINS)
        heard = Heard()
        outcome = execute(plan, spread, SideBySide(bench, lanes), heard, PLUGINS)
        assert contents(spread) == contents(alone)
    assert sorted(bench.order) == sorted(quiet.order)
    assert quiet.order == [one.title for one in plan.ordered()]
    assert list(outcome.artifacts) == [one.fingerprint for one in plan.ordered()]
    kinds = {one.title: one.kind for one in plan.ordered()}
    for at_once in bench.together:
        assert len(at_once) <= lanes
        assert len(at_once) == 1 or all(kinds[title] in OF_NETWORKS for title in at_once)
    place = {title: number for number, title in enumerate(bench.order)}
    for one in plan.ordered():
        assert all(place[before.title] < place[one.title] for before in one.inputs.values())
    told = defaultdict(list)
    for event, title, *_ in heard.events:
        told[title].append(event)
    assert set(map(tuple, told.values())) == {("started", "progress", "finished")}


def test_a_network_stays_on_one_lane_and_lanes_take_the_networks_in_the_plan_s_order(tmp_path):
    first = threading.Event()

    def act(lane, job):
        if job.title == "pre-train a":
            first.wait(10)  # until the other lane has trained all the rest
        if job.title == "predict tuned d":
            first.set()

    bench = Bench(act)
    execute(ensemble("abcd"), Store(tmp_path), SideBySide(bench, 2), Heard(), PLUGINS)
    lanes = {name: {id(bench.at[title]) for title in bench.order if title.endswith(f" {name}")} for name in "abcd"}
    assert all(len(used) == 1 for used in lanes.values())
    assert lanes["b"] == lanes["c"] == lanes["d"] != lanes["a"]
    rest = [title for title in bench.order if title.startswith("pre-train") and not title.endswith("a")]
    assert rest == ["pre-train b", "pre-train c", "pre-train d"]
    assert bench.at["faces"] is None
    assert bench.at["fuse"] is None


def test_the_executor_is_asked_for_no_more_lanes_than_networks_and_told_the_device(tmp_path):
    executor = SideBySide(Bench(), 8)
    execute(ensemble("abc", device="cuda"), Store(tmp_path), executor, Heard(), PLUGINS)
    assert executor.asked == [("cuda", 3)]
    assert len(executor.given) == 3


@pytest.mark.parametrize("plan", [ensemble("a"), plan_of(network("a", stage("faces", "faces"))[:1])])
def test_a_single_network_needs_no_lanes(plan, tmp_path):
    executor = SideBySide(Bench(), 8)
    execute(plan, Store(tmp_path), executor, Heard(), PLUGINS)
    assert executor.asked == []
    assert set(executor.bench.at.values()) == {None}


def test_networks_for_different_devices_run_one_after_another(tmp_path):
    faces = stage("faces", "faces")
    plan = plan_of([faces, *network("a", faces, device="cuda:0"), *network("b", faces, device="cuda:1")])
    executor = SideBySide(Bench(), 8)
    execute(plan, Store(tmp_path), executor, Heard(), PLUGINS)
    assert executor.asked == []


@pytest.mark.parametrize("executor", [OneByOne(Bench()), SideBySide(Bench(), 1)], ids=["no lanes", "one lane"])
def test_without_several_lanes_stages_run_in_the_plan_s_order_and_the_reporter_hears_what_it_always_did(
    executor, tmp_path
):
    plan, heard = ensemble("ab"), Heard()
    execute(plan, Store(tmp_path), executor, heard, PLUGINS)
    titles = [one.title for one in plan.ordered()]
    assert executor.bench.order == titles
    assert heard.events == [
        event
        for number, title in enumerate(titles, start=1)
        for event in (("started", title, number, 10), ("progress", title), ("finished", title, True))
    ]


def test_an_executor_with_run_alone_is_an_executor_without_lanes():
    executor: Executor = OneByOne(Bench())
    assert not isinstance(executor, LanedExecutor)
    assert isinstance(SideBySide(Bench(), 2), LanedExecutor)


def steps(stages):
    return [Step(one, number, len(stages)) for number, one in enumerate(stages, start=1)]


def titles(chains):
    return [[step.stage.title for step in chain] for chain in chains]


def test_stages_that_hang_together_through_one_that_stands_are_one_chain():
    faces = stage("faces", "faces")
    trained, predicted, tuned, last = network("a", faces)
    assert titles(chains_of(steps([predicted, tuned, last]))) == [["predict a", "fine-tune a", "predict tuned a"]]
    assert titles(chains_of(steps([trained, last]))) == [["pre-train a", "predict tuned a"]]


def test_a_shared_start_keeps_two_networks_on_one_lane():
    faces = stage("faces", "faces")
    start = stage("train", "start", [faces])
    one, two = stage("train", "one", [start]), stage("train", "two", [start])
    assert titles(chains_of(steps([start, one, two, *network("b", faces)[:1]]))) == [
        ["start", "one", "two"], ["pre-train b"],
    ]  # fmt: skip


def test_networks_are_what_trains_or_predicts():
    assert {kind for kind, spec in STAGES.items() if spec.of_network} == set(OF_NETWORKS)
    assert [kind for kind, spec in STAGES.items() if spec.resumes] == ["train"]
