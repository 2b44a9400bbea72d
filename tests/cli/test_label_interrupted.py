"""Ctrl-C in the middle of a labelling: a real process, a real server."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest

from harness.testing.providers import ProviderProcess, answered_more_than


def start(home, url, *more):
    labeler = {"use": "claude", "model": "a-model", "base_url": url, "limits": {"connections": 2}}
    command = [sys.executable, "-m", "harness", "label", "faces", "--cropped", "--labeler", json.dumps(labeler), *more]
    return subprocess.Popen(command, cwd=home, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.05)


def test_what_is_in_flight_is_finished_and_kept_and_the_same_command_goes_on(home):
    pytest.importorskip("harness_claude")
    with ProviderProcess(latency=0.5) as server:
        process = start(home, server.url)
        wait_for(lambda: server.counts.answered >= 2)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
        assert process.returncode == 130, output + errors
        assert "stopping: waiting for what is under way" in output
        assert errors.startswith("interrupted: labeler 'claude': ")
        assert errors.endswith("the same command goes on\n")
        assert not (home / "labels.csv").exists()
        kept = int(errors.split("'claude': ")[1].split(" replies to 12 questions")[0])
        answered = sum(one.answered for one in server.replies)
        assert kept == answered == len(server.replies) < 12

        server.behave(latency=0)
        again = start(home, server.url)
        output, errors = again.communicate(timeout=60)
        assert again.returncode == 0, output + errors
        assert f"{12 - kept} asked for now, {kept} from the store" in output
        assert len(server.replies) == 12
        assert not answered_more_than(1, server.requests)
    assert set(pd.read_csv(home / "labels.csv")["outcome"]) == {"label"}
