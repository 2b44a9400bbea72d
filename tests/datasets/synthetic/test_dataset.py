import hashlib
from pathlib import Path

import pytest

from harness.datasets.synthetic.dataset import SyntheticDataset
from harness.datasets.synthetic.options import SyntheticOptions
from harness.errors import DataError
from harness.expressions import ABAW_COMPOUND_7
from harness.testing import check_dataset

av = pytest.importorskip("av")
STILLS = SyntheticOptions(part="stills", stills=9, stills_per_subject=3)
CLIPS = SyntheticOptions(part="clips", clips=2, seconds=1.0, width=200, height=150)


def rendered(options: SyntheticOptions, folder: Path) -> SyntheticDataset:
    folder.mkdir(parents=True, exist_ok=True)
    dataset = SyntheticDataset(options, folder)
    dataset.prepare(lambda _done, _total: None)
    return dataset


def digests(dataset: SyntheticDataset) -> dict[str, str]:
    return {clip.id: hashlib.sha256(clip.source.read_bytes()).hexdigest() for clip in dataset.clips()}


def frames_of(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


@pytest.mark.parametrize("options", [STILLS, CLIPS], ids=["stills", "clips"])
def test_both_parts_keep_the_contract_of_data_sets(options: SyntheticOptions, tmp_path: Path) -> None:
    check_dataset(SyntheticDataset(options, tmp_path), ABAW_COMPOUND_7)


@pytest.mark.parametrize("options", [STILLS, CLIPS], ids=["stills", "clips"])
def test_the_same_options_give_the_same_bytes(options: SyntheticOptions, tmp_path: Path) -> None:
    first, second = (rendered(options, tmp_path / name) for name in ("first", "second"))
    assert digests(first) == digests(second)
    assert first.annotations().equals(second.annotations())


def test_another_seed_gives_other_media(tmp_path: Path) -> None:
    first = rendered(STILLS, tmp_path / "first")
    second = rendered(STILLS.model_copy(update={"seed": 1}), tmp_path / "second")
    assert not set(digests(first).values()) & set(digests(second).values())


def test_every_still_is_annotated_with_its_class_and_subject(tmp_path: Path) -> None:
    dataset = rendered(STILLS, tmp_path)
    clips, table = dataset.clips(), dataset.annotations()
    assert list(table["clip"]) == [clip.id for clip in clips]
    assert set(table["frame"]) == {0}
    assert "" not in set(table["label"])
    assert [clip.subject for clip in clips] == [f"still-subject-{number // 3:04d}" for number in range(9)]
    assert not any(clip.cropped for clip in clips)


def test_every_decoded_frame_of_a_clip_is_annotated(tmp_path: Path) -> None:
    dataset = rendered(CLIPS, tmp_path)
    table = dataset.annotations()
    for clip in dataset.clips():
        frames = table.loc[table["clip"] == clip.id, "frame"]
        assert list(frames) == list(range(frames_of(clip.source)))
    assert "" in set(table["label"])


def test_clips_are_h264_at_the_rate_asked_for(tmp_path: Path) -> None:
    dataset = rendered(CLIPS, tmp_path)
    with av.open(str(dataset.clips()[0].source)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert stream.codec_context.pix_fmt == "yuv420p"
        assert stream.average_rate == CLIPS.frames_per_second


def test_progress_counts_to_the_end(tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    SyntheticDataset(STILLS, tmp_path).prepare(lambda done, total: steps.append((done, total)))
    assert steps == [(number, 9) for number in range(1, 10)]


def test_clips_before_rendering_are_an_error_that_says_so(tmp_path: Path) -> None:
    dataset = SyntheticDataset(STILLS, tmp_path)
    with pytest.raises(DataError, match="holds no rendered clips; prepare the data set first"):
        dataset.clips()
    with pytest.raises(DataError, match="holds no annotations; prepare the data set first"):
        dataset.annotations()


def test_rendered_faces_may_leave_the_machine(tmp_path: Path) -> None:
    assert SyntheticDataset(STILLS, tmp_path).licence.faces_may_leave
