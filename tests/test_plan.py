"""Plans are laid with announcements alone: nothing here is built or run."""

from pathlib import Path

import pytest
from pydantic import Field

from harness.components import ComponentSpec, Options
from harness.config import parse
from harness.contents import Contents
from harness.errors import ConfigError, DataError, MissingPackage, UnknownComponent
from harness.layout import experiment_plan
from harness.plan import pending
from harness.plugins import Component, Origin, Registry
from harness.store import Manifest, Store


class ClipOptions(Options):
    root: Path | None = Field(None, description="the clips")
    count: int = Field(1, description="how many")


class WeightOptions(Options):
    answer: str = Field("yes", description="any")

    def facts(self):
        return {"weights": WEIGHTS[0]}


WEIGHTS = ["random"]
NAMES = {
    "datasets": [("clips", ClipOptions)],
    "face_detectors": [("finder", Options)],
    "labelers": [("one", Options), ("two", Options), ("oracle", Options)],
    "backbones": [("small", WeightOptions), ("large", WeightOptions), ("heavy", Options)],
    "losses": [("bal-ce+dice", Options)],
    "aggregators": [("majority-vote", Options), ("mean-probability", Options)],
    "executors": [("local", Options)],
}
ORIGIN = Origin("somebodys", "1.2.3")
REGISTRY = Registry(
    Component(
        kind,
        ComponentSpec(
            name, "a component", options, "nowhere:Nothing", needs_truth=name == "oracle",
            requires=("no_such_package",) if name == "heavy" else (), install="pip install it",
        ),
        ORIGIN,
    )
    for kind, specs in NAMES.items()
    for name, options in specs
)  # fmt: skip


def experiment(**changes):
    data = {
        "name": "x",
        "benchmark": "b",
        "data": {"target": {"use": "clips"}, "pretrain": {"use": "clips", "count": 2}},
        "faces": {"detector": "finder"},
        "labeling": {"labelers": ["one"]},
        "training": {"backbones": ["small", "large"]},
    }
    for path, value in changes.items():
        *parents, last = path.split("__")
        table = data
        for part in parents:
            table = table.setdefault(part, {})
        table[last] = value
    return parse(data, "test")


def plan(digest=lambda path: "digest", **changes):
    return experiment_plan(experiment(**changes), REGISTRY, digest)


def changed(first, second):
    """Roles whose fingerprint differs between two plans."""
    return {role for role, stage in second.stages.items() if first.stages[role].fingerprint != stage.fingerprint}


def test_the_papers_pipeline_has_every_stage_once_and_in_order():
    laid = plan()
    ordered = laid.ordered()
    position = {stage.fingerprint: place for place, stage in enumerate(ordered)}
    assert len(position) == len(ordered) == 18
    for stage in ordered:
        assert all(position[one.fingerprint] < position[stage.fingerprint] for one in stage.inputs.values())
    assert ordered[-1].kind == "score"


def test_truth_of_the_target_reaches_the_score_alone():
    laid = plan()
    truth = laid.stages["truth:target"]
    users = [stage.kind for stage in laid.ordered() if truth in stage.inputs.values()]
    assert users == ["score"]


def test_a_labeler_that_needs_truth_gets_it():
    laid = plan(labeling__labelers=["oracle"])
    assert laid.stages["label:0"].inputs["truth"] is laid.stages["truth:target"]


def test_another_aggregator_changes_fusion_and_score_alone():
    assert changed(plan(), plan(fusion__aggregator="mean-probability")) == {"fuse", "score"}


@pytest.mark.parametrize("change", [{"labeling__threshold": 0.9}, {"labeling__confidence": "agreement"}])
def test_another_threshold_or_confidence_leaves_faces_labels_and_pre_training(change):
    roles = changed(plan(), plan(**change))
    assert "pseudo-label" in roles
    assert not {role for role in roles if role.startswith(("faces", "label:", "pre-train", "data"))}


def test_another_detector_option_changes_everything_after_the_data():
    roles = changed(plan(), plan(faces__size=112))
    assert {"faces:target", "faces:pretrain", "score"} <= roles
    assert not {role for role in roles if role.startswith(("data", "truth"))}


def test_another_seed_changes_training_and_score_but_not_labels():
    roles = changed(plan(), plan(seed=1))
    assert {"pre-train:small", "fine-tune:large", "score"} <= roles
    assert "pseudo-label" not in roles


def test_another_executor_changes_nothing():
    assert changed(plan(), plan(executor={"use": "local"})) == set()


def test_facts_such_as_weights_that_appear_change_the_training(monkeypatch):
    before = plan()
    monkeypatch.setitem(globals(), "WEIGHTS", ["imagenet"])
    roles = changed(before, plan())
    assert "pre-train:small" in roles
    assert "faces:target" not in roles


def test_a_moved_data_set_keeps_its_fingerprints_and_a_changed_one_does_not(tmp_path):
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "a.mp4").write_bytes(b"clip")
    with Contents(tmp_path / "memory.sqlite") as contents:
        before = plan(contents.digest, data__target={"use": "clips", "root": str(tmp_path / "here")})
        (tmp_path / "here").rename(tmp_path / "there")
        moved = plan(contents.digest, data__target={"use": "clips", "root": str(tmp_path / "there")})
        (tmp_path / "there" / "b.mp4").write_bytes(b"more")
        grown = plan(contents.digest, data__target={"use": "clips", "root": str(tmp_path / "there")})
    assert changed(before, moved) == set()
    assert moved.stages["faces:target"].params["dataset"]["options"]["root"] == str(tmp_path / "there")
    assert "faces:target" in changed(moved, grown)


def test_a_data_set_that_is_not_there_is_named(tmp_path):
    with Contents(tmp_path / "memory.sqlite") as contents, pytest.raises(DataError, match="no such file or folder"):
        plan(contents.digest, data__target={"use": "clips", "root": str(tmp_path / "nowhere")})


def test_without_networks_the_labels_are_fused_and_nothing_is_trained():
    laid = plan(training__backbones=[])
    assert {stage.kind for stage in laid.ordered()} == {
        "data", "truth", "faces", "label", "pseudo-label", "fuse", "score",
    }  # fmt: skip
    assert laid.stages["fuse"].inputs["voter-0"] is laid.stages["pseudo-label"]


def test_without_pretraining_data_networks_learn_from_pseudo_labels_alone():
    laid = plan(data__pretrain=None)
    assert "start" not in laid.stages["fine-tune:small"].inputs
    assert "pre-train:small" not in laid.stages


def test_a_network_that_is_not_fine_tuned_is_scored_once_as_what_pre_training_left():
    none = {"finetune": {"epochs": 0}, "backbones": ["small"]}
    inputs = {name for name in plan(training=none).stages["score"].inputs if name.endswith("-0")}
    assert inputs == {"pretrained-0"}
    assert {"pretrained-0", "network-0"} <= plan().stages["score"].inputs.keys()
    assert "network-0" in plan(data__pretrain=None, training=none).stages["score"].inputs


def test_the_same_backbone_twice_gets_two_names():
    laid = plan(training__backbones=["small", {"use": "small", "answer": "no"}])
    assert laid.stages["fuse"].params["voters"] == ["small", "small-2"]


def test_several_labelers_all_vote():
    laid = plan(labeling__labelers=["one", "two"])
    assert [name for name in laid.stages["pseudo-label"].inputs if name.startswith("votes")] == ["votes-0", "votes-1"]


def test_an_unknown_component_a_bad_option_and_a_missing_package_stop_before_anything_runs():
    with pytest.raises(UnknownComponent, match="labeler 'tow' is not known; did you mean 'two'"):
        plan(labeling__labelers=["tow"])
    with pytest.raises(ConfigError, match="'clips'.*'cuont' is not known; did you mean 'count'"):
        plan(data__target={"use": "clips", "cuont": 3})
    with pytest.raises(MissingPackage, match="'no_such_package', which is not installed; run: pip install it"):
        plan(training__backbones=["heavy"])


def store_all(store, laid, but=()):
    for stage in laid.ordered():
        if stage.title not in but:
            with store.writing(stage.fingerprint) as folder:
                (folder / "table.txt").write_text(stage.title)
                store.commit(folder, Manifest(stage.kind, stage.fingerprint, {}, {}))


def test_a_full_store_leaves_nothing_to_do(tmp_path):
    store, laid = Store(tmp_path), plan()
    store_all(store, laid)
    todo = pending(laid, store)
    assert todo.missing == ()
    assert todo.damaged == ()


def test_an_intermediate_result_that_nobody_needs_any_more_is_not_missing(tmp_path):
    store, laid = Store(tmp_path), plan()
    store_all(store, laid, but=("faces (pretrain)", "annotations (pretrain)", "predict small (pre-trained)"))
    assert pending(laid, store).missing == ()


def test_what_a_missing_stage_needs_is_missing_too(tmp_path):
    store, laid = Store(tmp_path), plan()
    store_all(store, laid, but=("score", "predict small (pre-trained)"))
    assert [stage.title for stage in pending(laid, store).missing] == ["predict small (pre-trained)", "score"]


def test_a_damaged_input_of_what_has_to_run_is_found_byte_by_byte(tmp_path):
    store, laid = Store(tmp_path), plan()
    store_all(store, laid, but=("score",))
    table = store.folder("fuse", laid.stages["fuse"].fingerprint) / "table.txt"
    table.write_text("fusE")
    todo = pending(laid, store)
    assert [stage.title for stage in todo.missing] == ["fuse", "score"]
    ((stage, reason),) = todo.damaged
    assert stage.title == "fuse"
    assert "is damaged (its sha256 is wrong)" in reason


def test_the_plan_up_to_the_labels_trains_and_scores_nothing_and_wants_every_stage():
    whole = plan()
    laid = whole.labels()
    assert list(laid.stages) == ["data:target", "truth:target", "faces:target", "label:0", "pseudo-label"]
    assert laid.results == list(laid.stages.values())
    assert laid.stages["label:0"] is whole.stages["label:0"]
    assert laid.stages["pseudo-label"].params["keep_all"] is True
    assert laid.stages["pseudo-label"].fingerprint != whole.stages["pseudo-label"].fingerprint


def test_what_is_wanted_anew_is_missing_although_it_stands(tmp_path):
    laid, store = plan().labels(), Store(tmp_path)
    store_all(store, laid)
    again = laid.stages["label:0"]
    assert pending(laid, store, {again.fingerprint}).missing == (again,)


def test_several_seeds_share_everything_up_to_the_labels_and_keep_the_roles_of_the_first():
    one, several = plan(), plan(seeds=[0, 1, 2])
    assert all(several.stages[role].fingerprint == stage.fingerprint for role, stage in one.stages.items())
    more = set(several.stages) - set(one.stages)
    assert {role for role in more if "1" in role} == {
        "pre-train@1:small", "fine-tune@1:small", "predict@1:small:pre-trained", "predict@1:small:fine-tuned",
        "pre-train@1:large", "fine-tune@1:large", "predict@1:large:pre-trained", "predict@1:large:fine-tuned",
        "fuse@1", "score@1",
    }  # fmt: skip
    assert len(several.ordered()) == 18 + 2 * 10
    assert several.stages["fine-tune@2:small"].title == "fine-tune small (seed 2)"
    assert several.stages["fine-tune:small"].title == "fine-tune small (seed 0)"


def test_each_seed_of_several_is_the_same_as_alone():
    several, alone = plan(seeds=[3, 5]), plan(seed=5)
    assert several.scores[5].fingerprint == alone.stages["score"].fingerprint
    assert list(several.scores) == [3, 5]
    assert list(alone.scores) == [5]


def test_the_scores_of_every_seed_are_results():
    laid = plan(seeds=[0, 1])
    kinds = [stage.title for stage in laid.results if stage.kind == "score"]
    assert kinds == ["score (seed 0)", "score (seed 1)"]


def test_labels_alone_need_no_seeds():
    assert list(plan(training__backbones=[], seeds=[0, 1]).scores) == [0]


ALL_FACES = {"faces__others": True, "fusion__faces": "maximum"}


def test_options_of_further_faces_that_are_off_are_in_no_fingerprint():
    laid = plan()
    assert changed(laid, plan(faces__others=0, fusion__faces="chosen")) == set()
    assert all("others" not in stage.key for stage in laid.stages.values())
    assert "faces" not in laid.stages["fuse"].key
    assert set(laid.stages) == set(plan(faces__others=3).stages)


def test_further_faces_of_the_target_alone_are_cut_out():
    roles = changed(plan(), plan(faces__others=True))
    assert {"faces:target", "label:0", "fine-tune:small", "score"} <= roles
    assert not {role for role in roles if "pretrain" in role or role.startswith("pre-train")}


def test_each_network_predicts_further_faces_where_fusion_takes_the_maximum():
    chosen, every = plan(faces__others=True), plan(**ALL_FACES)
    further = {"predict:small:further faces", "predict:large:further faces"}
    assert set(every.stages) - set(chosen.stages) == further
    assert {role for role in chosen.stages if chosen.stages[role].fingerprint != every.stages[role].fingerprint} == {
        "fuse", "score",
    }  # fmt: skip
    assert every.stages["fuse"].inputs["others-1"] is every.stages["predict:large:further faces"]
    assert every.stages["fuse"].inputs["voter-1"] is every.stages["predict:large:fine-tuned"]
    assert not {name for name in every.stages["score"].inputs if name.startswith("others")}


def test_with_several_seeds_further_faces_are_predicted_by_each():
    laid = plan(seeds=[0, 1], **ALL_FACES)
    assert laid.stages["fuse@1"].inputs["others-0"] is laid.stages["predict@1:small:further faces"]
    assert laid.stages["fuse"].inputs["others-0"] is laid.stages["predict:small:further faces"]


def test_of_labels_alone_the_labelers_vote_on_further_faces_but_not_those_that_see_the_truth():
    laid = plan(training__backbones=[], labeling__labelers=["oracle", "two"], **ALL_FACES)
    fuse = laid.stages["fuse"]
    assert set(fuse.inputs) == {"faces", "voter-0", "voter-1", "others-1"}
    assert fuse.inputs["voter-1"] is laid.stages["label:1"]
    assert fuse.inputs["others-1"] is laid.stages["others:1"]
    assert fuse.params["labels"]["use"] == "mean-probability"
    assert laid.stages["score"].inputs["labels"] is laid.stages["pseudo-label"]
    assert not [role for role in laid.labels().stages if role.startswith("others")]
