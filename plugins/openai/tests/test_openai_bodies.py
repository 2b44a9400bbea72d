import base64
import json

import pytest
from harness_openai.bodies import Bodies
from harness_openai.options import OpenAIOptions
from hypothesis import given
from hypothesis import strategies as st

from harness.vlm import Message, Prompt, RequestError

JPEG, PNG = b"\xff\xd8\xff\xe0one", b"\x89PNG\r\n\x1a\ntwo"
SCHEMA = {
    "type": "object", "properties": {"label": {"enum": ["a", "b"]}}, "required": ["label"],
    "additionalProperties": False,
}  # fmt: skip
# A described face as example, then the face, described in a first step.
LONG = Prompt(
    "Which?",
    system="You are terse.",
    before=(Message("user", "Example?", PNG), Message("assistant", "b")),
    after=(Message("assistant", "Raised brows."), Message("user", "So?")),
)


PLAIN = Prompt("Which?")


def body(prompt=PLAIN, schema=None, image=JPEG, **options):
    made = OpenAIOptions(**{"model": "m"} | options)
    return json.loads(Bodies(made).body(image, prompt, schema))


def url(image, kind="jpeg"):
    return f"data:image/{kind};base64,{base64.b64encode(image).decode()}"


def test_chat_completions_get_the_image_before_the_text():
    assert body() == {
        "model": "m",
        "max_completion_tokens": 256,
        "store": False,
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "image_url", "image_url": {"url": url(JPEG), "detail": "high"}},
                    {"type": "text", "text": "Which?"},
                ],
            }
        ],
    }


def test_responses_get_the_image_before_the_text_and_are_not_kept():
    assert body(api="responses", detail="low") == {
        "model": "m",
        "max_output_tokens": 256,
        "store": False,
        "input": [
            {
                "role": "user",
                "content": [
                    {"type": "input_image", "image_url": url(JPEG), "detail": "low"},
                    {"type": "input_text", "text": "Which?"},
                ],
            }
        ],
    }


def order(turns):
    """Roles with the images and texts of each turn, in order."""
    seen = []
    for turn in turns:
        parts = turn["content"] if isinstance(turn["content"], list) else [{"text": turn["content"]}]
        urls = [part.get("image_url") for part in parts]
        seen.append(
            (turn["role"], [one["url"] if isinstance(one, dict) else one for one in urls if one], parts[-1]["text"])
        )
    return seen


CONVERSATION = [
    ("user", [url(PNG, "png")], "Example?"),
    ("assistant", [], "b"),
    ("user", [url(JPEG)], "Which?"),
    ("assistant", [], "Raised brows."),
    ("user", [], "So?"),
]


def test_few_shot_examples_stand_before_the_face_and_two_step_prompts_go_on_after_it():
    chat = body(LONG)["messages"]
    assert chat[0] == {"role": "system", "content": "You are terse."}
    assert order(chat[1:]) == CONVERSATION


def test_responses_have_the_same_order_with_the_system_prompt_as_instructions():
    made = body(LONG, api="responses")
    assert made["instructions"] == "You are terse."
    assert order(made["input"]) == CONVERSATION


def test_a_schema_is_strict_in_both_apis():
    assert body(schema=SCHEMA)["response_format"] == {
        "type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": SCHEMA},
    }  # fmt: skip
    assert body(schema=SCHEMA, api="responses")["text"] == {
        "format": {"type": "json_schema", "name": "answer", "strict": True, "schema": SCHEMA}
    }


def test_a_server_without_schemas_is_asked_for_free_text():
    assert "response_format" not in body(schema=SCHEMA, preset="tgi")
    assert "response_format" in body(schema=SCHEMA, preset="tgi", json_schema=True)
    assert "response_format" not in body(schema=SCHEMA, json_schema=False)


def test_a_compatible_server_gets_its_own_spelling_and_no_field_it_does_not_have():
    made = body(preset="vllm", detail="low")
    assert made.keys() == {"model", "max_tokens", "messages"}
    assert made["messages"][0]["content"][0] == {"type": "image_url", "image_url": {"url": url(JPEG)}}


def test_a_server_that_streams_unasked_is_told_not_to():
    assert body(preset="transformers-serve", api="responses")["stream"] is False
    assert "stream" not in body(api="responses")


def test_sampling_is_sent_only_where_it_is_set():
    made = body(temperature=0.0, sampling_seed=7, reasoning_effort="low", logprobs=True, extra_body={"top_p": 0.5})
    assert {
        "temperature": 0.0,
        "seed": 7,
        "reasoning_effort": "low",
        "logprobs": True,
        "top_p": 0.5,
    }.items() <= made.items()
    made = body(api="responses", temperature=0.5, reasoning_effort="low", logprobs=True)
    assert made["reasoning"] == {"effort": "low"}
    assert made["include"] == ["message.output_text.logprobs"]
    assert made["temperature"] == 0.5


def test_what_is_neither_jpeg_nor_png_is_a_bad_request():
    with pytest.raises(RequestError, match="an image to send must be JPEG or PNG") as caught:
        body(image=b"GIF89a")
    assert caught.value.kind == "bad_request"


def test_an_assistant_shows_no_image():
    with pytest.raises(RequestError, match="assistant cannot hold an image"):
        body(Prompt("?", before=(Message("assistant", "x", PNG),)))


def test_one_labeler_asks_different_prompts_and_schemas_apart():
    bodies = Bodies(OpenAIOptions(model="m"))
    first = bodies.body(JPEG, Prompt("one"), None)
    assert bodies.body(JPEG, Prompt("one"), SCHEMA) != first
    assert bodies.body(JPEG, Prompt("two"), None) != first
    assert bodies.body(JPEG, Prompt("one"), None) == first


@given(st.text(), st.text(), st.binary(max_size=200))
def test_any_text_and_image_arrive_as_they_are(text, system, rest):
    made = body(Prompt(text, system), image=JPEG + rest)
    content = made["messages"][-1]["content"]
    assert content[1]["text"] == text
    assert content[0]["image_url"]["url"] == url(JPEG + rest)
    assert ("system" in made["messages"][0].values()) == bool(system)
