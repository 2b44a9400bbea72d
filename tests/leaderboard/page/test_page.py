"""The page as text: its policy, its data, what is left out to keep it small."""

import base64
import builtins
import hashlib
import json
import re
import zlib
from dataclasses import replace

import boards
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.leaderboard.page import as_html
from harness.leaderboard.page_cost import cost_chart, priced
from harness.leaderboard.page_data import SCALE, leb128, pack
from harness.leaderboard.rows import leaderboard


@pytest.fixture(scope="module")
def board():
    return leaderboard(boards.runs(6, clips=12))


def unfolded(html, name):
    return zlib.decompress(base64.b64decode(re.search(rf'id="{name}">([^<]*)<', html)[1]))


def numbers(data):
    """What leb128 wrote, one by one as the page reads it."""
    found, value, place = [], 0, 0
    for byte in data:
        value |= (byte & 127) << place
        place += 7
        if byte < 128:
            found.append(value)
            value = place = 0
    return found


@given(st.lists(st.integers(0, 2**35 - 1)))
def test_numbers_in_base_128_come_back(values):
    assert numbers(leb128(values)) == values


def test_the_same_leaderboard_gives_the_same_page(board):
    assert as_html(board) == as_html(leaderboard(boards.runs(6, clips=12)))


def test_the_policy_lets_one_style_and_one_script_work_and_nothing_from_elsewhere(board):
    html = as_html(board)
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', html)[1].replace("&#39;", "'")
    assert policy.startswith("default-src 'none'; img-src data:;")
    for tag in ("style", "script"):
        (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.S)
        assert f"{tag}-src 'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" in policy
    assert not re.search(r"(src|href|action|srcset)=\"(?!data:image/svg)", html)
    assert "innerHTML" not in html
    assert "eval(" not in html


def test_texts_of_records_are_no_markup():
    hostile = '</script><script>alert("x")</script>'
    target = boards.Target(12, classes=(hostile, "Sadly Angry"))
    html = as_html(leaderboard([boards.record(target, "one", [target.system(hostile, "labeler")], cost=2.0)]))
    assert hostile not in html
    assert html.count("<script>") == 1
    assert hostile in json.loads(unfolded(html, "summary"))["systems"]


def test_the_head_says_what_the_page_rests_on(board):
    html = " ".join(as_html(board).split())
    assert "Label space compound, 7 classes. 6 runs;" in html
    assert "in 12 clips. Newest record: <time" in html
    assert "2026-11-06</time>" in html


def test_counts_and_confusions_can_be_read_back(board):
    packed = pack(board, 10**6)
    html = as_html(board)
    summary, places = (json.loads(unfolded(html, name)) for name in ("summary", "places"))
    details = unfolded(html, "details")
    assert (packed.with_confusion, packed.with_counts) == (len(board.rows), len(board.rows))
    row = places["order"][0]
    first = numbers(details[: places["lengths"][0]])
    score = board.rows[row].score
    assert first[:49] == [frames for line in score.confusion for frames in line]
    assert first[49:56] == score.unanswered
    at = sum(places["lengths"][: places["final"]])
    counts = numbers(details[at : at + places["lengths"][places["final"]]])
    sums = board.rows[row].sums
    occurs = sums[0, :, 1, :] > 0
    assert counts[:2] == list(sums.shape[:2])
    assert counts[2 : 2 + occurs.sum()] == sums[0, :, 0][occurs].tolist()
    assert np.reshape(counts[2 + occurs.sum() :], (7, 12)).T.tolist() == (sums[0, :, 2] - sums[0, :, 0]).tolist()
    assert summary["supports"][summary["columns"]["support"][row]] == sums[0, :, 1].ravel().tolist()
    assert summary["columns"]["macro_f1"][row] == round(score.macro_f1 * SCALE)


def test_a_page_without_room_keeps_details_of_labelers_and_last_ensembles_and_says_so(board):
    html = as_html(board, most=0)
    order = json.loads(unfolded(html, "places"))
    assert (order["final"], order["confusions"], order["counts"]) == (12, 12, 12)
    kept = {(board.rows[one].score.role, board.rows[one].score.phase) for one in order["order"][:12]}
    assert kept == {("labeler", ""), ("ensemble", "smoothed")}
    assert "of 12 and confusions and calibration of 12 of 78 rows" in " ".join(html.split())
    assert "holds the counts per clip of every row" in as_html(board)


def test_a_page_keeps_to_its_size_where_optional_details_are_left_out(board):
    whole, least = len(as_html(board)), len(as_html(board, most=0))
    some = as_html(board, most=(whole + least) // 2)
    assert least < len(some) <= (whole + least) // 2
    assert json.loads(unfolded(some, "places"))["confusions"] > 12


def test_what_was_scored_on_other_items_differs_clip_by_clip():
    target = boards.Target(12)
    other = boards.Target(12)
    other.digests = ["changed", *target.digests[1:]]
    found = leaderboard(
        [boards.record(one, name, [one.system("x", "labeler")]) for name, one in (("a", target), ("b", other))]
    )
    first, second = json.loads(unfolded(as_html(found), "summary"))["items"]
    assert len(set(first) & set(second)) == 11


def test_the_front_of_cost_and_score_holds_what_beats_all_that_costs_as_much_or_less():
    target = boards.Target(12)
    skills = {"free": (0.2, None), "cheap": (0.9, 1.0), "dear": (0.5, 9.0)}
    records = [boards.record(target, run, [target.system("x", "labeler", skill=skill)], cost=cost)
               for run, (skill, cost) in skills.items()]  # fmt: skip
    records.append(boards.record(target, "unknown", [target.system("x", "labeler", skill=0.99)], asked=True))
    points = priced(leaderboard(records).board("labelers").rows)
    assert [(one.row.run, one.number) for one in points] == [("free", 1), ("cheap", 2), ("dear", None)]


def test_where_nobody_was_paid_there_is_no_chart(board):
    free = replace(board.board("labelers"), rows=tuple(row for row in board.rows if not row.record.asked))
    assert cost_chart(free) is None
    assert "No row of this board was paid for" in as_html(replace(board, boards=(free,)))


def test_the_chart_is_the_same_bytes_each_time_and_has_a_dark_one(board):
    chart = cost_chart(board.board("labelers"))
    assert chart == cost_chart(board.board("labelers"))
    assert chart.light != chart.dark
    drawing = base64.b64decode(chart.light.partition(",")[2]).decode()
    assert "http" not in re.sub(r'(xmlns(:\w+)?|about|resource)="[^"]*"|<!DOCTYPE[^>]*>', "", drawing)


def test_without_matplotlib_the_page_is_whole_but_for_the_chart(board, monkeypatch):
    found = builtins.__import__

    def absent(name, *more, **named):
        if name.partition(".")[0] == "matplotlib":
            raise ImportError(name)
        return found(name, *more, **named)

    monkeypatch.setattr(builtins, "__import__", absent)
    html = as_html(board)
    assert "run: pip install &#39;cer-harness[charts]&#39;, then build the leaderboard again" in html
    assert "data:image" not in html.partition("<body>")[2]
    assert "Pareto front" in html


def test_a_board_without_rows_is_a_page():
    target = boards.Target(12)
    html = as_html(leaderboard([boards.record(target, "empty", [])]))
    assert "0 frames in 0 clips" in html
