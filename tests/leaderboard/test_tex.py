import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.leaderboard import tex
from harness.leaderboard.cells import plain
from harness.leaderboard.rows import leaderboard
from harness.leaderboard.tex import ACCENTS, COMMANDS, as_tex, escaped

UNEVEN = [7, 8, 9, 10] * 3
LOW = [2, 3, 1, 2] * 3
# LaTeX as it is read here: a command, an accented letter, a code point, or a character without a meaning of its own
WRITTEN = {text: one for one, text in COMMANDS.items()}
TOKEN = re.compile(
    "|".join(map(re.escape, sorted(WRITTEN, key=len, reverse=True)))
    + r"""|\\(?P<accent>[`'^~"vc])\{(?P<letter>[A-Za-z])\}|U\+(?P<code>[0-9A-F]{4,6})|[^\\{}$&#%^_~<>|"'`]"""
)


def read_back(text):
    found, place = [], 0
    while place < len(text):
        token = TOKEN.match(text, place)
        assert token, f"not LaTeX that shows as it is: {text[place:]!r}"
        if token["code"] and token[0] not in WRITTEN:
            found.append(chr(int(token["code"], 16)))
        elif token["letter"]:
            marks = {accent: mark for mark, accent in ACCENTS.items()}
            found.append(unicodedata.normalize("NFC", token["letter"] + marks[token["accent"]]))
        else:
            found.append(WRITTEN.get(token[0], token[0]))
        place = token.end()
    return "".join(found).replace(tex.NOTHING, "")


@given(st.text(alphabet=st.characters(blacklist_characters="0123456789ABCDEFU+", blacklist_categories=["Cs"])))
def test_any_name_is_shown_as_it_is(text):
    found = escaped(text)
    assert found.isascii()
    assert unicodedata.normalize("NFC", read_back(found)) == unicodedata.normalize("NFC", plain(text))


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a_b & 50% {x} #1 $2", r"a\_b \& 50\% \{x\} \#1 \$2"),
        ("\\input{/etc/passwd}", r"\textbackslash{}input\{/etc/passwd\}"),
        ("~^<|>", r"\textasciitilde{}\textasciicircum{}$<$$|$$>$"),
        ("Zoë Šíma Ça Å", "Zo\\\"{e} \\v{S}\\'{i}ma \\c{C}a \\AA{}"),
        ("--- ,, ``", "-{}-{}- ,{}, {`}{`}"),
        ("-0.05 a-1 --2", "$-$0.05 a-1 -{}-2"),
        ("中", "U+4E2D"),
        ("\x1b[0m", "U+FFFD[0m"),
        ("0.31 ± 0.02 –", r"0.31 $\pm$ 0.02 \textendash{}"),
    ],
)
def test_what_latex_would_read_as_its_own_is_written_out(text, written):
    assert escaped(text) == written


def test_tables_have_intervals_ranks_groups_and_a_line_between_groups(make_run, make_counted):
    rights = {"a": UNEVEN, "b": UNEVEN, "c": LOW}
    text = as_tex(leaderboard(make_run(run, [make_counted("net_1", right)]) for run, right in rights.items()))
    table, per_class = re.findall(r"^\\begin\{tabular\}.*?^\\end\{tabular\}", text, re.DOTALL | re.MULTILINE)
    assert "1-2 & a & b & net\\_1 & 0.850 [0.100, 0.900]" in table
    assert "\\hline\n3 & b & c & net\\_1 & 0.200 [0.100, 0.900] & $-$0.650 [$-$" in table
    assert "\\begin{tabular}[b]{@{}r@{}}macro-F1 \\\\ {[95\\%]}\\end{tabular}" in table
    lines = table.splitlines()
    assert [number for number, line in enumerate(lines) if line == "\\hline"] == [1, 3, 6, 8]
    assert "a & net\\_1 & 0.850 & 0.850 \\\\" in per_class
    for block in (table, per_class):
        columns = len(re.match(r"\\begin\{tabular\}\{([lr]+)\}", block)[1])
        assert "\\begin{tabular}[b]{@{}r@{}}Sadly \\\\ Fearful\\end{tabular} & " in per_class
        assert {line.count(" & ") + 1 for line in block.splitlines() if line.endswith("\\\\")} == {columns}


def test_braces_and_environments_are_closed(make_run, make_counted):
    text = as_tex(leaderboard([make_run("a}{", [make_counted("{\\", UNEVEN, "labeler"), make_counted("%", LOW)])]))
    bare = re.sub(r"\\[{}]", "", text)
    assert bare.count("{") == bare.count("}")
    assert re.findall(r"^\\begin\{(\w+)\}", text, re.MULTILINE) == ["table", "tabular"] * 4
    assert re.findall(r"^\\end\{(\w+)\}", text, re.MULTILINE) == ["tabular", "table"] * 4
    assert "usepackage" not in text
    assert text.isascii()


@pytest.mark.parametrize("name", ["[2em]", "*"])
def test_a_first_cell_is_not_taken_for_an_option_of_the_line_before(name, make_run, make_counted):
    assert f"\n{{{name}}} & ensemble & 0.500" in as_tex(leaderboard([make_run(name, [make_counted()])]))


def test_long_tables_are_cut_with_a_comment(make_run, make_counted, monkeypatch):
    monkeypatch.setattr(tex, "MOST", 2)
    text = as_tex(leaderboard(make_run(run, [make_counted(right=UNEVEN)]) for run in "abcd"))
    assert "% the first 2 rows; 2 more are in the .csv, .json and .html" in text
    assert text.count("& ensemble &") == 4


def test_a_benchmark_name_cannot_leave_its_comment(make_run, make_counted):
    text = as_tex(leaderboard([make_run("a", [make_counted()], benchmark="x\n\\input{y}")]))
    assert text.splitlines()[0].startswith("% x \\input{y}: made by")
