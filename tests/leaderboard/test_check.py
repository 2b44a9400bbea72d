import json
import shutil
import zlib
from base64 import b64encode

import pytest
from honest_records import record

from harness.documents import readable_json
from harness.leaderboard import check as check_module
from harness.leaderboard.build import RENDERERS, build, read_leaderboard
from harness.leaderboard.check import check, strays
from harness.leaderboard.record import file_record, seal_of, write_record


@pytest.fixture(autouse=True)
def without_page(request, monkeypatch):
    """The page takes seconds of matplotlib; most of these tests are not about it."""
    if "with_page" not in request.fixturenames:
        monkeypatch.setattr(check_module, "RENDERERS", {key: RENDERERS[key] for key in RENDERERS if key != ".html"})


@pytest.fixture
def with_page():
    """A test that is about the page too."""


@pytest.fixture(scope="module")
def filed_once(tmp_path_factory):
    folder = tmp_path_factory.mktemp("leaderboards")
    for run, seeds in (("one", 1), ("three", 3)):
        file_record(record(run, seeds), folder)
    build(folder, "trial")
    return folder


@pytest.fixture
def filed(filed_once, tmp_path):
    return shutil.copytree(filed_once, tmp_path / "leaderboards")


def told(folder):
    return [str(one) for one in check(folder, "trial").problems]


def change(folder, edit, *, seal=True):
    path = folder / "results" / "trial" / "one.json"
    data = json.loads(path.read_text())
    edit(data)
    path.write_text(readable_json({**data, "seal": seal_of(data)} if seal else data))
    for suffix, render in check_module.RENDERERS.items():
        (folder / f"trial{suffix}").write_text(render(read_leaderboard(folder, "trial")))


def test_honest_records_with_their_tables_have_no_problem(filed):
    found = check(filed, "trial")
    assert (found.records, found.systems, found.problems) == (2, 8, ())


def test_a_record_that_was_edited_is_told_from_one_that_the_harness_did_not_file(filed):
    change(filed, lambda data: data["asked"][0].update(cost=0.01), seal=False)
    again = "file the run again (harness leaderboard add RUN)"
    assert told(filed) == [f"one.json: its seal is not that of its content: it was edited after it was filed; {again}"]
    change(filed, lambda data: data.pop("seal"), seal=False)
    assert told(filed) == [f"one.json: its seal is not that of its content: it was not filed by the harness; {again}"]


def test_a_number_that_is_not_finite_is_no_number(filed):
    path = filed / "results" / "trial" / "one.json"
    path.write_text(path.read_text().replace('"cost": 0.25', '"cost": 1e999'))
    (text,) = told(filed)
    assert "key 'asked.0.cost' = inf: input should be a finite number" in text


def test_a_number_that_is_not_finite_where_anything_may_stand_has_no_seal(filed):
    path = filed / "results" / "trial" / "one.json"
    path.write_text(path.read_text().replace('"root": "videos"', '"root": 1e999'))
    assert told(filed) == ["one.json: a number is not finite"]


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda data: data["packages"].update(x="/home/ada/x"), "packages.x holds an absolute path"),
        (lambda data: data["scores"]["notes"].append("ask ada@example.org"), "scores.notes.0 holds an e-mail address"),
        (lambda data: data["components"].append(component("http://gpu7:80")), "holds a private host name"),
        (lambda data: data["packages"].update({"/home/ada/y": "1"}), "a key of packages holds an absolute path"),
        (lambda data: data["data"][0].update(licence="https://ada:pw@host.org/x"), "data.0.licence holds a password"),
        (lambda data: data["machine"].update(cpu="sk-ant-" + 40 * "a"), "machine.cpu holds a key"),
        (lambda data: data["configuration"].update(api_key="abc"), "configuration.api_key holds a secret"),
    ],
)
def test_what_is_personal_is_named_by_its_place(filed, edit, message):
    change(filed, edit)
    assert any(message in text for text in told(filed))


def component(url):
    return {"kind": "labelers", "name": "x", "distribution": "x", "version": "1", "options": {"base_url": url}}


def test_names_of_clips_in_the_clear_are_named(filed):
    def edit(data):
        data["scores"]["clips"][0] = "ada.mp4"

    change(filed, edit)
    assert "one.json: names of clips or subjects are in the clear: ada.mp4" in told(filed)


def test_a_label_space_that_is_not_that_of_the_scores_is_named(filed):
    change(filed, lambda data: data["label_space"]["labels"].reverse())
    assert told(filed) == ["one.json: label_space: its name or its labels are not those of the scores"]


def test_a_key_that_is_there_twice_is_named(filed):
    path = filed / "results" / "trial" / "one.json"
    path.write_text(path.read_text().replace('"benchmark": "trial",', '"benchmark": "other",\n "benchmark": "trial",'))
    assert told(filed) == ["one.json: key 'benchmark' is there twice"]


def test_a_file_that_cannot_be_read_is_one_problem_and_the_others_are_still_checked(filed):
    (filed / "results" / "trial" / "huge.json").write_bytes(b" " * (17 * 2**20))
    (filed / "results" / "trial" / "new.json").write_text('{"schema_version": 7}')
    found = check(filed, "trial")
    assert found.records == 2
    assert [one.file for one in found.problems] == ["huge.json", "new.json"]
    assert "has 17.0 MB, and a record at most 16" in found.problems[0].text
    assert "schema 7 is not known" in found.problems[1].text


def test_the_same_run_under_two_names_is_named(filed):
    one = record("one")
    write_record(one.model_copy(update={"run": "two", "scores": shared(filed).scores}), filed)
    change(filed, lambda data: None)
    assert told(filed) == [
        "two.json: is the same run as 'one' (their scores have one fingerprint); take one of them out"
    ]


def shared(folder):
    return type(record()).read(folder / "results" / "trial" / "one.json")


def test_an_image_that_another_matplotlib_drew_is_the_same(filed, monkeypatch):
    page = "<img src='data:image/svg+xml;base64,{}'> {}"
    monkeypatch.setattr(check_module, "RENDERERS", {".html": lambda board: page.format("AAAA", board.benchmark)})
    (filed / "trial.html").write_text(page.format("BBBB", "trial"))
    assert told(filed) == []
    (filed / "trial.html").write_text(page.format("BBBB", "other"))
    assert told(filed) == ["trial.html: is not what the records give; run: harness leaderboard build trial"]


def test_data_that_another_zlib_folded_are_the_same(filed, monkeypatch):
    def page(content, level):
        folded = b64encode(zlib.compress(content, level)).decode()
        return f'<script type="text/plain" id="summary">{folded}</script>'

    rows = b"rows and rows and rows"
    monkeypatch.setattr(check_module, "RENDERERS", {".html": lambda _: page(rows, 9)})
    (filed / "trial.html").write_text(page(rows, 0))
    assert told(filed) == []
    for other in (
        page(b"other rows", 9),
        page(rows, 9).replace("e", "!", 1),
        '<script type="text/plain" id="summary">',
    ):
        (filed / "trial.html").write_text(other)
        assert told(filed) == ["trial.html: is not what the records give; run: harness leaderboard build trial"]


def test_tables_and_pages_that_are_not_what_the_records_give_are_named(filed, with_page):
    for suffix in RENDERERS:
        path = filed / f"trial{suffix}"
        path.write_text(path.read_text() + " ")
    stale = "is not what the records give; run: harness leaderboard build trial"
    assert told(filed) == [f"trial{suffix}: {stale}" for suffix in RENDERERS]


def test_tables_that_are_missing_are_named(filed):
    (filed / "trial.md").unlink()
    again = "run: harness leaderboard build trial"
    assert told(filed) == [f"trial.md: cannot be read (No such file or directory); {again}"]


def test_a_record_that_came_without_its_tables_is_noticed(filed):
    file_record(record("late"), filed)
    assert len(told(filed)) == len(check_module.RENDERERS)


def test_many_records_are_checked_by_several_processes_with_the_same_result(filed, monkeypatch):
    change(filed, lambda data: data["scores"]["systems"][0].update(kappa=0.5))
    alone = check(filed, "trial")
    monkeypatch.setattr(check_module, "MANY", 2)
    assert check(filed, "trial", processes=2) == alone
    assert len(alone.problems) == 1


def test_what_is_no_record_is_not_shared_beside_records(filed):
    for name in ("face.png", ".notes", "benchmark.toml"):
        (filed / "results" / "trial" / name).touch()
    assert told(filed) == [f"{name}: is no record of a run; take it out" for name in (".notes", "face.png")]


def test_tables_without_records_are_strays(filed):
    for name in ("old.md", "record.schema.json", "README.md", "notes.txt"):
        (filed / name).touch()
    assert [str(one) for one in strays(filed)] == ["old.md: no benchmark of this name has a record; take it out"]


def test_records_that_cannot_stand_in_one_table_are_a_problem(filed):
    def edit(data):
        data["label_space"]["name"] = data["scores"]["label_space"] = "other"

    path = filed / "results" / "trial" / "one.json"
    data = json.loads(path.read_text())
    edit(data)
    path.write_text(readable_json({**data, "seal": seal_of(data)}))
    assert any(text.startswith("trial: benchmark 'trial': run") for text in told(filed))
