"""The labeler `transformers`: likelihoods against a plain loop over labels, and what must not change them."""

import json

import numpy as np
import pytest
import torch
from harness_transformers.likelihood import repeated, shared
from harness_transformers.options import LikelihoodOptions
from harness_transformers.scorer import ROUNDING, LikelihoodScorer
from PIL import Image

from harness.errors import ConfigError, DataError
from harness.expressions import ABAW_COMPOUND_7
from harness.plugins import Registry
from harness.testing.labelers import check_scorer

NAMES = ABAW_COMPOUND_7.names
PROMPT = "Which expression: {options}?"


def scorer_of(folder, **options):
    return LikelihoodScorer(LikelihoodOptions(model=str(folder), **options), ABAW_COMPOUND_7)


def plain_loop(scorer, face, text, *, image=True):
    """(C,) log-likelihoods and token counts: one unpadded row a label, one token after the other."""
    processor, model = scorer.loaded.processor, scorer.loaded.model
    picture = "<image>\n" if image else ""
    start = f"USER: {picture}{text}\nASSISTANT:"
    totals, counts = [], []
    for name in NAMES:
        given = {"images": [Image.fromarray(face)]} if image else {}
        row = processor(text=[f"{start} {name}</s>"], **given, return_tensors="pt", add_special_tokens=False)
        answer = processor.tokenizer(f" {name}</s>", add_special_tokens=False)["input_ids"]
        with torch.no_grad():
            logits = model(**row).logits[0].double()
        ids = row["input_ids"][0].tolist()
        assert ids[-len(answer) :] == answer
        places = range(len(ids) - len(answer), len(ids))
        totals.append(sum(float(logits[place - 1].log_softmax(0)[ids[place]]) for place in places))
        counts.append(len(answer))
    return np.array(totals), np.array(counts)


def softmax(values):
    powers = np.exp(values - values.max())
    return powers / powers.sum()


def quoted():
    return PROMPT.format(options=", ".join(f"'{name}'" for name in NAMES))


def test_the_scorer_keeps_the_contract(llava):
    options = {"model": str(llava), "batch_size": 3}
    scorer = Registry.discover().build("labelers", "transformers", options, label_space=ABAW_COMPOUND_7)
    check_scorer(scorer, ABAW_COMPOUND_7)
    assert scorer.notices == []


@pytest.mark.parametrize("share_prompt", [True, False])
@pytest.mark.parametrize("normalize", ["sum", "mean", "pmi"])
def test_probabilities_are_those_of_a_loop_over_single_rows(llava, faces, normalize, share_prompt):
    scorer = scorer_of(llava, prompt=PROMPT, normalize=normalize, share_prompt=share_prompt, temperature=2.0)
    found = scorer.score(faces[:2]).probabilities
    for face, row in zip(faces, found, strict=False):
        total, counts = plain_loop(scorer, face, quoted())
        if normalize == "mean":
            total = total / counts
        if normalize == "pmi":
            total = total - plain_loop(scorer, face, quoted(), image=False)[0]
        np.testing.assert_allclose(row, softmax(total / 2.0), atol=2e-5)
    assert scorer.notices == []


def test_answers_on_a_shared_prompt_get_the_likelihoods_of_whole_rows(llava, faces):
    scorer = scorer_of(llava, prompt=PROMPT)
    images = [Image.fromarray(face) for face in faces]
    whole, on_cache = (way(scorer.loaded, scorer.questions[0], images).sum(2) for way in (repeated, shared))
    assert whole.shape == (4, 7)
    torch.testing.assert_close(on_cache, whole, atol=1e-4, rtol=0)


def test_answers_share_a_prompt_whose_image_has_height_and_width_among_its_positions(qwen, faces):
    sharing, plain = (scorer_of(qwen, normalize="pmi", share_prompt=share) for share in (True, False))
    np.testing.assert_allclose(sharing.score(faces).probabilities, plain.score(faces).probabilities, atol=1e-4)
    np.testing.assert_allclose(sharing.score(faces[1:]).probabilities, plain.score(faces[1:]).probabilities, atol=1e-4)
    assert sharing.notices == []
    assert sharing.questions[0].answers[0] == " Fearfully Surprised<|im_end|>"


def test_sharing_that_moves_likelihoods_is_given_up_with_a_notice(llava, faces, monkeypatch):
    monkeypatch.setitem(ROUNDING, torch.float32, 0.0)  # so that the last bits count
    scorer = scorer_of(llava)
    found = scorer.score(faces).probabilities
    (notice,) = scorer.notices
    assert "are computed once a class, not once a face" in notice
    assert "it moves log-likelihoods by up to" in notice
    np.testing.assert_array_equal(found, scorer_of(llava, share_prompt=False).score(faces).probabilities)


def test_the_batch_size_changes_nothing(llava, faces):
    one, all_at_once = (scorer_of(llava, batch_size=size).score(faces).probabilities for size in (1, 4))
    np.testing.assert_allclose(one, all_at_once, atol=1e-5)


@pytest.mark.parametrize("share_prompt", [True, False])
def test_the_side_that_the_tokenizer_pads_on_changes_nothing(llava, copied, faces, share_prompt):
    other = copied(llava)
    settings = json.loads((other / "tokenizer_config.json").read_text())
    assert settings["padding_side"] == "right"
    (other / "tokenizer_config.json").write_text(json.dumps({**settings, "padding_side": "left"}))
    right, left = (scorer_of(model, share_prompt=share_prompt).score(faces).probabilities for model in (llava, other))
    np.testing.assert_array_equal(right, left)


def test_several_prompts_are_averaged(llava, faces):
    one, two = (scorer_of(llava, prompt=text).score(faces).probabilities for text in (PROMPT, "One word:"))
    both = scorer_of(llava, prompt=[PROMPT, "One word:"]).score(faces).probabilities
    np.testing.assert_allclose(both, (one + two) / 2, atol=1e-6)


def test_a_prompt_that_merges_with_the_answer_is_not_shared_and_says_so(llava, copied, faces):
    """ "ASSISTANT: " and "Happily" tokenize together otherwise than apart: the last space belongs to the word."""
    spaced = copied(llava)
    template = (spaced / "chat_template.jinja").read_text()
    (spaced / "chat_template.jinja").write_text(template.replace("'ASSISTANT:'", "'ASSISTANT: '"))
    scorer = scorer_of(spaced, prompt=PROMPT)
    assert scorer.questions[0].changed == 1
    found = scorer.score(faces[:1]).probabilities[0]
    (notice,) = scorer.notices
    assert "cannot share them (RuntimeError: the tokenizer merges question and answer)" in notice
    np.testing.assert_allclose(found, softmax(plain_loop(scorer, faces[0], quoted())[0]), atol=2e-5)


def test_answers_are_written_as_the_chat_template_writes_them(llava, copied):
    other = copied(llava)
    template = (other / "chat_template.jinja").read_text()
    closed = template.replace("{{ '</s>' }}", "{{ '\n<pad>' }}").replace("'ASSISTANT:'", "'ASSISTANT: '")
    (other / "chat_template.jinja").write_text(closed)
    settings = json.loads((other / "generation_config.json").read_text())
    (other / "generation_config.json").write_text(json.dumps({**settings, "eos_token_id": [2, 3]}))
    assert scorer_of(llava).questions[0].answers[1] == " Happily Surprised</s>"
    assert scorer_of(other).questions[0].answers[1] == "Happily Surprised<pad>"


def test_a_start_token_that_the_template_leaves_to_the_tokenizer_is_there_once(llava, copied):
    started = copied(llava)
    words = json.loads((started / "tokenizer.json").read_text())
    words["post_processor"] = {
        "type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}},
    }
    (started / "tokenizer.json").write_text(json.dumps(words))
    assert scorer_of(llava).questions[0].base.startswith("USER:")
    assert scorer_of(started).questions[0].base.startswith("<s>USER:")


def test_a_chat_template_that_refuses_the_question_is_an_error_of_the_configuration(llava, copied):
    strict = copied(llava)
    (strict / "chat_template.jinja").write_text("{{ raise_exception('no images, please') }}")
    with pytest.raises(ConfigError, match="the model's chat template refuses the conversation: no images, please"):
        scorer_of(strict)


def test_template_options_reach_the_chat_template(llava, copied):
    other = copied(llava)
    template = (other / "chat_template.jinja").read_text()
    (other / "chat_template.jinja").write_text(template.replace("'ASSISTANT:'", "'ASSISTANT:' + mood"))
    assert scorer_of(other, template_options={"mood": " (calm)"}).questions[0].base.endswith("ASSISTANT: (calm)")


def test_faces_of_another_shape_are_an_error(llava):
    scorer = scorer_of(llava)
    with pytest.raises(DataError, match=r"faces must be \(N, H, W, 3\) of uint8, not \(1, 8, 8, 4\) of float64"):
        scorer.score(np.zeros((1, 8, 8, 4)))
