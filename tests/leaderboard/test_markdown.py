import re

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from harness.leaderboard import markdown
from harness.leaderboard.cells import plain
from harness.leaderboard.markdown import as_markdown, escaped
from harness.leaderboard.record import StageRecord
from harness.leaderboard.rows import leaderboard

UNEVEN = [7, 8, 9, 10] * 3
LOW = [2, 3, 1, 2] * 3


def shown(text):
    """What a reader of the Markdown sees of a table's cells, by another implementation."""
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    cells = [one for one in tokens if one.type == "inline"]
    kinds = {child.type for one in cells for child in one.children}
    return ["".join(child.content for child in one.children) for one in cells], kinds


@given(st.text(min_size=1), st.text(alphabet="|\\`*_{}[]<>#~!&$@:/.w-", min_size=1))
def test_any_name_is_shown_as_it_is(first, second):
    table = f"| a | b |\n| :-- | :-- |\n| {escaped(first)} | {escaped(second)} |"
    cells, kinds = shown(table)
    assert cells == ["a", "b", plain(first), plain(second)]
    assert kinds <= {"text", "text_special"}


def test_markup_and_addresses_in_names_are_text(make_run, make_counted):
    name = "a|b <script>*x*\n[y](z) https://example.org www.example.org @ada"
    text = as_markdown(leaderboard([make_run("a", [make_counted(name)])]))
    assert r"a\|b \<script\>\*x\* \[y\](z) https\://example.org www\.example.org \@ada" in text


def test_both_boards_show_ranks_groups_and_differences(make_run, make_counted):
    systems = [make_counted("facs", LOW, "labeler"), make_counted("ensemble", UNEVEN)]
    board = leaderboard([make_run("a", systems), make_run("b", [make_counted("ensemble", LOW)])])
    text = as_markdown(board)
    assert text.index("## Labelers: labels against truth") < text.index("## Systems: final predictions")
    rows = re.findall(r"^\| [12] \| .*$", text, re.MULTILINE)
    assert rows[0].startswith("| 1 | a | facs | 0.200")
    assert rows[1].startswith(r"| 1 | 1 | a | a | ensemble | 0.850 \[0.100, 0.900\] | +0.650 \[")
    assert rows[2].startswith(
        r"| 2 | 2 | b | b | ensemble | 0.200 \[0.100, 0.900\] | +0.000 \[+0.000, +0.000\] | 1.00 |"
    )
    assert "cannot be told apart from the first of them with the 12 clips at hand" in text
    assert (
        "Differences are to a:facs, with 95% intervals and p after Holm's correction. Looked for alone, one of" in text
    )


def test_every_line_of_a_table_has_as_many_cells(make_run, make_counted):
    text = as_markdown(leaderboard([make_run("a|b", [make_counted("x | y", UNEVEN), make_counted("\\|", LOW)])]))
    blocks = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    assert len(blocks) == 3
    for block in blocks:
        assert len({len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) for line in block.splitlines()}) == 1


def test_other_scores_have_a_table_as_far_as_any_row_has_them(make_run, make_counted):
    more = {"by_policy": {"wrong": 0.3, "excluded": 0.4}, "clip_macro_f1": 0.5, "kappa": 0.25}
    stage = StageRecord(kind="k", title="t", fingerprint="f", seconds=61.2, peak_memory=3 * 2**29, cached=False)
    text = as_markdown(
        leaderboard([make_run("a", [make_counted(**more)], stages=[stage]), make_run("b", [make_counted()])])
    )
    assert (
        "| run | system | unanswered wrong | unanswered excluded | macro-F1 of clips | UAR | kappa | seconds "
        "| peak memory (GiB) |"
    ) in text
    assert "| a | ensemble | 0.300 | 0.400 | 0.500 | 0.500 | 0.250 | 61 | 1.5 |" in text
    assert "| b | ensemble | – | – | – | 0.500 | – | – | – |" in text


def test_refusals_are_shown_where_there_could_be_any(make_run, make_counted):
    text = as_markdown(leaderboard([make_run("a", [make_counted("claude", UNEVEN, "labeler", refusal_rate=0.0625)])]))
    assert "| accuracy | coverage | refused | frames | clips |" in text
    assert "| 1.000 | 0.062 | 240 | 12 |" in text


def test_long_tables_end_with_the_number_of_rows_that_are_elsewhere(make_run, make_counted, monkeypatch):
    monkeypatch.setattr(markdown, "MOST", 2)
    board = leaderboard(make_run(run, [make_counted(right=UNEVEN)]) for run in "abcd")
    text = as_markdown(board)
    assert "The first 2 rows; 2 more are in the .csv, .json and .html." in text
    assert text.count("| ensemble |") == 6
