"""`harness run` with a vision-language labeler: what it was asked stands in the record and on the leaderboard."""

import json

import pytest

EXPERIMENT = """
name = "words"
benchmark = "words"
executor = "inline"

[data.target]
use = "videos"
root = "faces"
cropped = true
annotations = "truth.csv"

[labeling]
labelers = [{labeler}]
"""


@pytest.fixture
def experiment(home, server):
    """An experiment file over six annotated faces; every prompt of table-1 is answered with the same label."""
    server.behave(label="Sadly Angry")
    lines = [f"f{number},0,{'Sadly Angry' if number < 3 else 'Happily Surprised'}" for number in range(6)]
    (home / "truth.csv").write_text("\n".join(["clip,frame,label", *lines]) + "\n")
    labeler = f'{{use = "claude", model = "a-model", base_url = "{server.url}", prices = "prices.toml"}}'
    (home / "words.toml").write_text(EXPERIMENT.replace("{labeler}", labeler))
    return "words.toml"


def test_tokens_cost_and_prompts_are_recorded_and_a_right_label_has_its_price(experiment, harness, home, server):
    result = harness("run", experiment)
    assert result.exit_code == 0, result.output
    (path,) = (home / "leaderboards" / "results" / "words").glob("*.json")
    record = json.loads(path.read_text())
    (asked,) = record["asked"]
    assert (asked["labeler"], asked["model"], asked["prompts"]) == ("claude", "a-model", "table-1")
    assert (asked["faces"], asked["replies"], asked["models"]) == (6, 12, {"a-model": 12})
    assert asked["outcomes"] == {"claude/P1": {"label": 6}, "claude/P2": {"label": 6}}
    tokens = asked["tokens"]
    assert asked["cost"] == pytest.approx((tokens["input"] + 5 * tokens["output"]) / 1e6)
    rows = json.loads((home / "leaderboards" / "words.json").read_text())["rows"]
    assert rows[0]["accuracy"] == 0.5
    assert rows[0]["cost_per_correct"] == pytest.approx(asked["cost"] / 6 / 0.5)
    assert str(server.url) not in json.dumps(record["scores"])

    again = harness("run", experiment, "--set", "labeling.threshold=0.4")
    assert again.exit_code == 0, again.output
    assert len(server.replies) == 12


def test_a_remote_labeler_without_consent_is_refused_before_anything_runs(experiment, harness, home, server):
    result = harness("run", experiment, "--set", "labeling.labelers.base_url=https://api.example.com")
    assert result.exit_code == 2
    assert "would send the faces of data set 'videos' to api.example.com; nothing was sent" in result.output
    assert not server.requests
    assert not (home / "leaderboards").exists()
