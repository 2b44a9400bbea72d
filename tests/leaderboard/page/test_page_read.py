"""What a reader of the page sees: rows in order, filters, the selected row."""

import boards
import numpy as np

from harness.leaderboard.rows import leaderboard


def test_rows_come_ranked_and_can_be_sorted_by_every_column(show, file):
    page = show(file)
    view = page.view
    assert page.sorted_by("rank") == "ascending"
    scores = [float(text.split()[0]) for text in page.cells("macro_f1")]
    assert scores == sorted(scores, reverse=True)
    page.sort("macro_f1")
    assert (page.sorted_by("macro_f1"), page.sorted_by("rank")) == ("descending", None)
    page.sort("macro_f1")
    assert page.sorted_by("macro_f1") == "ascending"
    assert [float(text.split()[0]) for text in page.cells("macro_f1")] == scores[::-1]
    page.sort("run")
    assert page.cells("run") == [f"run-{number:04d}" for number in range(9)]
    page.sort("cost")  # what has none comes last, upwards and downwards
    assert page.cells("cost")[-3:] == ["–"] * 3
    page.sort("cost")
    assert page.cells("cost")[-3:] == ["–"] * 3
    for head in view.locator("#table th[data-key]").all():
        head.locator("button").click()
        assert head.get_attribute("aria-sort") in ("ascending", "descending")


def test_ranks_groups_and_differences_are_those_of_the_leaderboard(show, file, board):
    page = show(file)
    rows = board.board("labelers").rows
    expected = [f"{row.ranks[0]}–{row.ranks[1]}" if row.ranks[0] < row.ranks[1] else f"{row.ranks[0]}" for row in rows]
    assert page.cells("rank") == expected
    assert page.cells("group") == [row.group for row in rows]
    assert page.view.locator("#table tr.apart").count() == len({row.group for row in rows}) - 1
    for row, text in zip(rows, page.cells("difference"), strict=True):
        if row.difference is None:
            assert text == "reference"
        else:
            assert f"{row.difference.value:+.3f}".replace("-", "−") in text
            told = row.difference.p_holm < 0.05
            assert ("not told apart" in text) != told
    for row, text in zip(rows, page.cells("low"), strict=True):
        assert text.strip() == f"[{row.score.interval[0]:.3f}, {row.score.interval[1]:.3f}]"


def test_both_boards_name_the_row_that_differences_are_to(show, file, board):
    page = show(file)
    reference = board.board("labelers").reference
    for tab in ("labelers", "systems"):
        page.view.click(f"#tab-{tab}")
        assert f"Differences are to the reference, {reference.run}: {reference.system} (" in page.text("board-facts")


def test_rows_can_be_filtered_by_text_role_and_run(show, file):
    page = show(file)
    view = page.view
    view.fill("#text", "RUN-0004")
    assert page.cells("run") == ["run-0004"]
    assert page.text("shown") == "1 of 9 rows"
    view.fill("#text", "nowhere")
    assert view.locator("#empty").is_visible()
    view.click("#tab-systems")
    assert page.text("shown") == "108 of 108 rows"
    assert page.cells("run")[50:] == []
    view.click("#more")
    assert len(page.cells("run")) == 108
    assert view.locator("#more").is_hidden()
    view.select_option("#role", label="ensemble")
    assert page.text("shown") == "18 of 108 rows"
    view.select_option("#role", label="network, fine-tuned")
    assert page.text("shown") == "45 of 108 rows"
    view.select_option("#run", label="run-0003")
    assert page.text("shown") == "5 of 108 rows"
    view.click("#tab-labelers")
    assert view.input_value("#text") == "nowhere"  # a board keeps its own filters


def test_the_heat_map_follows_the_table(show, file, board):
    page = show(file)
    page.sort("run")
    first = next(row for row in board.board("labelers").rows if row.run == "run-0000")
    row = page.view.locator("#classes tbody tr").first
    assert row.locator("td").all_inner_texts() == [f"{one.f1:.3f}" for one in first.score.per_class]
    strong, weak = (row.locator("td").nth(one).evaluate("cell => getComputedStyle(cell).backgroundColor")
                    for one in (np.argmax([c.f1 for c in first.score.per_class]),
                                np.argmin([c.f1 for c in first.score.per_class])))  # fmt: skip
    assert strong != weak


def test_a_selected_row_shows_its_scores_its_confusion_and_its_calibration(show, file, board):
    page = show(file)
    view = page.view
    view.click("#tab-systems")
    row = next(row for row in board.board("systems").rows if row.score.role == "network")
    view.locator(f"#table tr:has(td:text-is('{row.run}')) button.pick", has_text=row.system).first.click()
    assert view.locator("#chosen .title").inner_text() == f"{row.run}: {row.system}"
    assert view.locator("#table button.pick[aria-pressed=true]").inner_text() == row.system
    frames = view.locator("#chosen .confusion .frames").all_inner_texts()
    assert sum(int(one.replace(",", "")) for one in frames) == row.score.frames
    error = sum(abs(sure - right) for _, sure, right in row.score.calibration.bins) / row.score.calibration.frames
    assert f"expected calibration error\n{error:.3f}" in page.text("chosen")
    filled = sum(bool(count) for count, _, _ in row.score.calibration.bins)
    assert view.locator("#chosen .diagram .seen").count() == filled
    view.locator("#chosen summary").click()
    assert view.locator("#chosen details tbody tr").count() == filled
    view.click("#tab-labelers")
    assert "No calibration" in page.text("chosen")
    assert "none" in view.locator("#chosen .confusion thead").inner_text()  # frames without an answer


def test_the_other_policy_shows_other_scores_and_no_ranks(show, file, board):
    page = show(file)
    page.view.locator("input[value=excluded]").check()
    rows = board.board("labelers").rows
    assert page.cells("macro_f1") == [f"{row.score.by_policy['excluded']:.3f}" for row in rows]
    assert set(page.cells("rank")) == {"–"}
    assert page.view.locator("#policy-note").is_visible()
    assert "none" not in page.view.locator("#chosen .confusion thead").inner_text()
    page.view.locator("input[value=wrong]").check()
    assert page.cells("macro_f1") == [f"{row.macro_f1:.3f}" for row in rows]


def test_a_system_found_in_several_runs_is_one_row_that_each_of_them_finds(show):
    target = boards.Target(12)
    same = target.system("x", "labeler", correctness="one and the same")
    found = leaderboard([boards.record(target, run, [same]) for run in ("first", "second")])
    assert found.rows[0].also == ("second",)
    page = show(found)
    assert page.cells("run") == ["first (+1)"]
    page.view.select_option("#run", label="second")
    assert page.text("shown") == "1 of 1 rows"
    page.view.fill("#text", "second")
    assert page.text("shown") == "1 of 1 rows"
    assert "The very same system was found in second" in page.text("chosen")
