"""The labeler `transformers-generate`: replies one by one and together, their accounts, drawing, and what can fail."""

import asyncio
import io
import json
import math

import numpy as np
import pytest
import torch
from harness_transformers.choice import Choice
from harness_transformers.generator import LocalModel, Request
from harness_transformers.options import GenerateOptions
from PIL import Image

from harness.plugins import Registry
from harness.testing import check_vision_language_model
from harness.vlm import Message, Prompt, RequestError, Usage, VisionLanguageModel

PROMPT = Prompt("Which of the following expressions is it?")


@pytest.fixture(scope="module")
def images(faces):
    return [png(face) for face in faces]


@pytest.fixture(scope="module")
def model(llava):
    return LocalModel(GenerateOptions(model=str(llava), max_tokens=8, batch_size=4))


def png(face):
    file = io.BytesIO()
    Image.fromarray(face).save(file, "PNG")
    return file.getvalue()


def model_of(folder, **options):
    return LocalModel(GenerateOptions(**{"model": str(folder), "max_tokens": 8, "batch_size": 4, **options}))


def asked(model, *questions):
    """Replies (or exceptions) to (image, prompt) pairs asked at the same time; the model is closed afterwards."""

    async def ask():
        try:
            return await asyncio.gather(*(model.reply(*one, None) for one in questions), return_exceptions=True)
        finally:
            await model.close()

    return asyncio.run(ask())


def test_it_is_announced_as_a_vision_language_model_that_stays_here(llava):
    options = {"model": str(llava), "max_tokens": 4}
    registry = Registry.discover()
    assert isinstance(registry.build("labelers", "transformers-generate", options), VisionLanguageModel)
    checked = registry.options("labelers", "transformers-generate", options)
    assert checked.destination() is None
    assert not checked.remote


def test_it_keeps_the_contract_of_vision_language_models(llava, images):
    check_vision_language_model(lambda: model_of(llava), image=images[0])


def test_replies_asked_together_are_those_asked_one_by_one(llava, images):
    example = (Message("user", "Which?", images[3]), Message("assistant", "neutral"))
    after = (Message("assistant", "afraid"), Message("user", "So which?"))
    prompts = (PROMPT, Prompt("Which?", system="Answer with one word.", before=example), Prompt("Why?", after=after))
    questions = [(image, prompt) for prompt in prompts for image in images]
    model, other = model_of(llava, batch_size=5), model_of(llava, batch_size=5)

    async def one_by_one():
        replies = [await model.reply(*question, None) for question in questions]
        await model.close()
        return replies

    alone, together = asyncio.run(one_by_one()), asked(other, *questions)
    assert [one.text for one in together] == [one.text for one in alone]
    assert [one.usage for one in together] == [one.usage for one in alone]
    assert len({one.text for one in alone}) > len(prompts)  # faces and prompts count
    np.testing.assert_allclose([one.logprob for one in together], [one.logprob for one in alone], atol=1e-3)


def by_hand(model, image):
    """The tokens that the network generates for PROMPT, and the inputs, without the labeler's code."""
    inputs = model.loaded.processor(
        text=[f"USER: <image>\n{PROMPT.text}\nASSISTANT:"], images=[Image.open(io.BytesIO(image))],
        return_tensors="pt", add_special_tokens=False,
    )  # fmt: skip
    output = model.loaded.model.generate(**inputs, max_new_tokens=8, do_sample=False)
    return output[0, inputs["input_ids"].shape[1] :], {**inputs, "input_ids": output}


def test_a_reply_is_what_the_model_generates_with_the_likelihood_that_the_model_gives_it(model, images):
    (reply,) = model.answer([Request(images[0], PROMPT, 0)])
    said, whole = by_hand(model, images[0])
    with torch.no_grad():
        logits = model.loaded.model(**{**whole, "attention_mask": torch.ones_like(whole["input_ids"])}).logits[0]
    known = logits[-9:-1].log_softmax(-1).gather(1, said[:, None]).sum()
    assert reply.text == model.loaded.processor.tokenizer.decode(said, skip_special_tokens=True).strip()
    assert reply.logprob == pytest.approx(float(known), abs=1e-3)
    assert (reply.stop_reason, reply.model) == ("length", model.options.model)
    assert reply.usage == Usage(whole["input_ids"].shape[1] - 8, 8)


def test_a_reply_that_ends_by_itself_says_so_and_its_end_is_counted(llava, copied, model, images):
    first, second = (by_hand(model, image)[0].tolist() for image in images[:2])
    place = next(place for place in range(1, 8) if first[place] not in (*first[:place], *second))
    ended = copied(llava)
    settings = json.loads((ended / "generation_config.json").read_text())
    (ended / "generation_config.json").write_text(json.dumps({**settings, "eos_token_id": [2, first[place]]}))
    requests = [Request(image, PROMPT, 0) for image in images[:2]]
    short, other = model_of(ended).answer(requests)
    long, same = model.answer(requests)
    assert (short.stop_reason, short.usage.output_tokens) == ("end", place + 1)
    assert len(short.text) < len(long.text)
    assert long.logprob < short.logprob < 0
    assert (other.text, other.usage) == (same.text, same.usage)  # the longer row goes on undisturbed


def test_settings_of_drawing_in_the_models_folder_do_not_make_replies_random(llava, copied, model, images):
    drawing = copied(llava)
    settings = json.loads((drawing / "generation_config.json").read_text())
    random = {"do_sample": True, "temperature": 5.0, "top_p": 0.9, "top_k": 7}
    (drawing / "generation_config.json").write_text(json.dumps({**settings, **random}))
    request = Request(images[0], PROMPT, 0)
    assert model_of(drawing).answer([request])[0].text == model.answer([request])[0].text


def test_a_seed_repeats_the_drawn_replies_whoever_is_asked_beside(llava, images):
    options = {"temperature": 1.0, "sampling_seed": 3}
    alone = [asked(model_of(llava, **options), (image, PROMPT))[0].text for image in images]
    together = asked(model_of(llava, **options), *((image, PROMPT) for image in images))
    assert [one.text for one in together] == alone
    other = asked(model_of(llava, temperature=1.0, sampling_seed=4), *((image, PROMPT) for image in images))
    assert [one.text for one in other] != alone


@pytest.mark.parametrize("seed", [3, None])
def test_a_question_asked_again_draws_again(llava, images, seed):
    replies = asked(model_of(llava, temperature=1.0, sampling_seed=seed), *[(images[0], PROMPT)] * 4)
    assert len({one.text for one in replies}) == 4


def test_tokens_are_drawn_with_the_probabilities_of_the_tempered_model():
    logits = torch.tensor([[1.0, 0.0, -1.0, 2.0]]).repeat(4000, 1)
    choice = Choice([], range(4000), temperature=2.0)
    drawn = choice(torch.zeros(4000, 1, dtype=torch.long), logits).argmax(1)
    shares = torch.bincount(drawn, minlength=4) / 4000
    torch.testing.assert_close(shares, (logits[0] / 2).softmax(0), atol=0.03, rtol=0)
    plain = logits[0].log_softmax(0)
    np.testing.assert_allclose(choice.log_probabilities, plain[drawn], atol=1e-6)


def test_an_image_that_cannot_be_decoded_fails_alone(llava, images):
    good, bad = asked(model_of(llava), (images[0], PROMPT), (b"\xff\xd8\xff no face", PROMPT))
    assert good.text
    assert isinstance(bad, RequestError)
    assert bad.kind == "bad_request"
    assert "an image of 11 bytes cannot be decoded" in str(bad)


def test_a_conversation_that_the_template_refuses_is_a_bad_request(llava, copied, images):
    strict = copied(llava)
    template = (strict / "chat_template.jinja").read_text()
    refusal = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system prompts') }}{% endif %}"
    (strict / "chat_template.jinja").write_text(refusal + template)
    good, bad = asked(model_of(strict), (images[0], PROMPT), (images[0], Prompt("Which?", system="Be brief.")))
    assert good.text
    assert str(bad) == "the model's chat template refuses the conversation: no system prompts"


def test_a_model_that_fails_says_nothing_of_the_face(llava, images):
    """An image token in the prompt's text has no image: transformers refuses the whole batch."""
    (bad,) = asked(model_of(llava), (images[0], Prompt("<image> Which?")))
    assert isinstance(bad, RequestError)
    assert bad.kind == "server"
    assert str(bad).startswith("tiny-llava cannot answer: ")
    assert "\n" not in str(bad)


def test_a_reply_that_is_given_up_leaves_the_others_alone(llava, images):
    model = model_of(llava, wait=0.05)

    async def ask():
        tasks = [asyncio.create_task(model.reply(image, PROMPT, None)) for image in images]
        await asyncio.sleep(0)
        tasks[1].cancel()
        replies = await asyncio.gather(*tasks, return_exceptions=True)
        await model.close()
        return replies

    replies = asyncio.run(ask())
    assert isinstance(replies[1], asyncio.CancelledError)
    assert all(math.isfinite(replies[place].logprob) for place in (0, 2, 3))
