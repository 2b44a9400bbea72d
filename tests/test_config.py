from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.config import built_in, load, parse, read
from harness.errors import ConfigError
from harness.overrides import apply_override

MINIMAL = 'name = "mine"\nbenchmark = "b"\n[data]\ntarget = "synthetic"\n'


def write(folder, text):
    path = folder / "mine.toml"
    path.write_text(text)
    return str(path)


def test_a_minimal_file_has_the_papers_defaults(tmp_path):
    experiment = load(write(tmp_path, MINIMAL))
    assert experiment.faces.choose == "largest"
    assert experiment.fusion.aggregator.use == "majority-vote"
    assert experiment.training.pretrain.learning_rate == 1e-4
    assert experiment.training.pretrain.batch_size == 64
    assert experiment.training.loss.use == "bal-ce+dice"
    assert experiment.data.pretrain is None
    assert len(experiment.space) == 7
    # high-confidence labels: "both prompts agree" wherever there are two, found by what the voters are
    assert (experiment.labeling.confidence, experiment.labeling.threshold) == ("auto", None)


@pytest.mark.parametrize("name", built_in())
def test_every_built_in_experiment_loads(name):
    assert load(name).name == name


def test_a_component_may_be_a_name_or_a_table_with_options():
    experiment = parse(
        {"name": "x", "benchmark": "b", "data": {"target": {"use": "videos", "root": "clips"}},
         "labeling": {"labelers": "facs"}}, "mine.toml",
    )  # fmt: skip
    assert experiment.data.target.options == {"root": "clips"}
    assert [labeler.use for labeler in experiment.labeling.labelers] == ["facs"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name = ", r"mine\.toml: not valid TOML"),
        (MINIMAL + "[faces]\ndetecor = 'haar'", r"'faces\.detecor' is not known; did you mean 'detector'\?"),
        (MINIMAL + "[faces]\nsize = 4", r"'faces\.size' = 4: input should be greater than or equal to 16"),
        (MINIMAL.replace('name = "mine"', ""), "key 'name' is missing"),
        ("label_space = 'abaw-compound'\n" + MINIMAL, r"label space 'abaw-compound' is not known; did you mean 'abaw-"),
        (MINIMAL + "[training.finetune]\nepoch = 3", "'training.finetune.epoch' is not known; did you mean 'epochs'"),
        (MINIMAL + "[labeling]\nlabelers = []", r"'labeling\.labelers'"),
    ],
)  # fmt: skip
def test_a_bad_file_is_one_line_with_the_key(tmp_path, text, message):
    with pytest.raises(ConfigError, match=message) as caught:
        load(write(tmp_path, text))
    assert "\n" not in str(caught.value)
    assert "mine.toml" in str(caught.value)


def test_a_missing_file_and_an_unknown_built_in_differ(tmp_path):
    with pytest.raises(ConfigError, match="no such experiment file"):
        load(str(tmp_path / "nothing.toml"))
    with pytest.raises(
        ConfigError, match="experiment 'demoo' is neither a file nor a built-in name; did you mean 'demo'"
    ):
        load("demoo")


def test_a_file_that_is_no_text_is_one_line(tmp_path):
    path = tmp_path / "binary.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match=r"binary\.toml: cannot be read"):
        load(str(path))


def test_a_label_space_of_ones_own():
    space = {"name": "mood", "labels": [{"name": "Good"}, {"name": "Bad", "aliases": ["Poor"]}]}
    experiment = parse({"name": "x", "benchmark": "b", "data": {"target": "synthetic"}, "label_space": space}, "x")
    assert experiment.space.id_of("poor") == 1


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({"name": "mood", "labels": [{"name": "Good"}]}, "has 1 class; at least two are needed"),
        ({"name": "mood", "labels": [{"name": "Good"}, {"name": "good "}]}, "'good ' names both"),
        ({"name": "raf-db-basic-7", "labels": [{"name": "A"}, {"name": "B"}]}, "is taken by a built-in one"),
    ],
)
def test_a_label_space_of_ones_own_is_checked(space, message):
    with pytest.raises(ConfigError, match=message):
        parse({"name": "x", "benchmark": "b", "data": {"target": "synthetic"}, "label_space": space}, "x")


def test_a_reference_distribution_is_a_name_or_frequencies_of_every_class(tmp_path):
    config = write(tmp_path, MINIMAL)
    assert load(config).evaluation.reference_distribution is None
    named = load(config, ["evaluation.reference_distribution=c-expr-db"])
    assert named.evaluation.reference_distribution == "c-expr-db"
    assert load(config, ["evaluation.reference_distribution=[1,2,3,4,5,6,0]"]).evaluation.reference_distribution[6] == 0
    with pytest.raises(ConfigError, match="mine.toml: evaluation.reference_distribution: 2 frequencies for the 7"):
        load(config, ["evaluation.reference_distribution=[1,2]"])


@pytest.mark.parametrize(
    ("override", "key", "value"),
    [
        ("faces.size=112", ("faces", "size"), 112),
        ("fusion.aggregator=mean-probability", ("fusion", "aggregator"), "mean-probability"),
        ('training.backbones=["resnet18"]', ("training", "backbones"), ["resnet18"]),
        ("data.target.root=/data/my clips", ("data", "target", "root"), "/data/my clips"),
        ("a=", ("a",), ""),
        ("a=b=c", ("a",), "b=c"),
    ],
)
def test_overrides_read_toml_values_and_fall_back_to_text(override, key, value):
    changed = apply_override({"data": {"target": "videos"}}, override)
    for part in key:
        changed = changed[part]
    assert changed == value


def test_setting_an_option_of_a_component_written_as_a_name_keeps_the_name():
    changed = apply_override({"faces": {"detector": "retinaface"}}, "faces.detector.runtime=torch")
    assert changed["faces"]["detector"] == {"use": "retinaface", "runtime": "torch"}


def test_an_override_reaches_into_a_list_by_number_or_into_its_only_element():
    two = {"labeling": {"labelers": ["claude", {"use": "facs"}]}}
    changed = apply_override(two, "labeling.labelers.0.model=x")
    assert changed["labeling"]["labelers"] == [{"use": "claude", "model": "x"}, {"use": "facs"}]
    assert two["labeling"]["labelers"][0] == "claude"
    assert apply_override(two, "labeling.labelers.1=replay")["labeling"]["labelers"] == ["claude", "replay"]
    one = apply_override({"labelers": ["claude"]}, "labelers.limits.connections=3")
    assert one == {"labelers": [{"use": "claude", "limits": {"connections": 3}}]}
    assert apply_override({"labelers": ["claude"]}, "labelers=facs") == {"labelers": "facs"}


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("labelers.2.model=x", "'labelers' holds 2, counted from 0"),
        ("labelers.model=x", "'labelers' holds 2; say which, counted from 0: labelers.0.model"),
    ],
)
def test_an_override_that_misses_a_list_says_how_to_name_an_element(override, said):
    with pytest.raises(ConfigError, match=said):
        apply_override({"labelers": ["a", "b"]}, override)


@pytest.mark.parametrize("override", ["nothing", "=1", "a..b=1", ".a=1"])
def test_a_malformed_override_shows_the_form(override):
    with pytest.raises(ConfigError, match="write key=value"):
        apply_override({}, override)


def test_an_override_below_a_number_is_refused():
    with pytest.raises(ConfigError, match="'size' holds a int, not a table"):
        apply_override({"faces": {"size": 3}}, "faces.size.big=1")


@given(st.dictionaries(st.text("abc", min_size=1), st.integers()), st.integers())
def test_an_override_changes_nothing_else_and_leaves_its_input_alone(data, value):
    before = dict(data)
    changed = apply_override(data, f"key={value}")
    assert data == before
    assert changed == {**before, "key": value}


def test_the_shipped_experiments_lie_beside_the_module():
    assert "demo" in built_in()
    assert not any(Path(name).suffix for name in built_in())


def test_frames_are_only_interpolated_where_they_are_left_without_a_face(tmp_path):
    path = write(tmp_path, MINIMAL)
    with pytest.raises(ConfigError, match=r"fusion.gaps = 'interpolate' needs faces.gaps = 'leave'"):
        load(path, ["fusion.gaps=interpolate"])
    assert load(path, ["fusion.gaps=interpolate", "faces.gaps=leave"]).fusion.gaps == "interpolate"


def test_the_maximum_over_faces_needs_further_faces(tmp_path):
    path = write(tmp_path, MINIMAL)
    with pytest.raises(ConfigError, match=r"fusion.faces = 'maximum' needs faces.others = true; as it is") as caught:
        load(path, ["fusion.faces=maximum"])
    assert "\n" not in str(caught.value)
    found = load(path, ["fusion.faces=maximum", "faces.others=true"])
    assert (found.fusion.faces, found.faces.others) == ("maximum", True)
    assert load(path, ["faces.others=2"]).faces.others == 2
    assert load(path).faces.others is False


def test_further_faces_of_the_whole_frame_are_no_other_faces(tmp_path):
    with pytest.raises(ConfigError, match="faces.others needs faces.align = 'five-point' or 'box'; with 'none' all"):
        load(write(tmp_path, MINIMAL), ["faces.others=true", "faces.align=none"])


@pytest.mark.parametrize("value", ["-1", "many", "yes", "1.5", "2.0"])
def test_further_faces_are_true_or_a_number(tmp_path, value):
    with pytest.raises(ConfigError, match="faces.others") as caught:
        load(write(tmp_path, MINIMAL), [f"faces.others={value}"])
    assert "\n" not in str(caught.value)


def test_several_seeds_take_the_place_of_one():
    data = {"name": "x", "benchmark": "b", "data": {"target": "synthetic"}, "training": {"backbones": ["resnet18"]}}
    assert parse({**data, "seed": 4}, "test").every_seed == (4,)
    assert parse({**data, "seed": 4, "seeds": [0, 2]}, "test").every_seed == (0, 2)
    with pytest.raises(ConfigError, match=r"seeds \[1, 1\] hold one twice"):
        parse({**data, "seeds": [1, 1]}, "test")
    with pytest.raises(ConfigError, match="'seeds.0' = -1"):
        parse({**data, "seeds": [-1]}, "test")


def test_pseudo_label_options_are_refused_where_annotations_are_trained_on():
    data = {"name": "x", "benchmark": "b", "data": {"target": "synthetic"}}
    with pytest.raises(ConfigError, match="'training.pretrain.targets' is not known"):
        parse({**data, "training": {"pretrain": {"targets": "soft"}}}, "test")
    teacher = apply_override(data, "training.finetune.mean_teacher.decay=0.9")
    assert parse(teacher, "test").training.finetune.mean_teacher.decay == 0.9


def test_options_without_a_name_are_the_default_component_s():
    data = apply_override(read("demo"), "executor.parallel=2")
    executor = parse(data, "demo").executor
    assert (executor.use, executor.options) == ("local", {"parallel": 2})
    data["executor"] = {"use": "inline"}
    assert parse(data, "demo").executor.use == "inline"


def test_intervals_draw_clips_and_are_studentised_unless_told_otherwise(tmp_path):
    evaluation = load(write(tmp_path, MINIMAL)).evaluation
    assert (evaluation.clusters, evaluation.interval) == ("clip", "studentised")
    told = load(write(tmp_path, MINIMAL + '[evaluation]\nclusters = "subject"\ninterval = "bca"\n')).evaluation
    assert (told.clusters, told.interval) == ("subject", "bca")
    with pytest.raises(ConfigError, match=r"'evaluation\.clusters' = 'clips': input should be 'clip', 'subject'"):
        load(write(tmp_path, MINIMAL + '[evaluation]\nclusters = "clips"\n'))
