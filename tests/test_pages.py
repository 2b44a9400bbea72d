"""Policies, embedded data and pages of one file."""

from __future__ import annotations

import base64
import hashlib
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.pages import embedded, folded, policy, rendered, unfolded

TEMPLATE = """<meta http-equiv="Content-Security-Policy" content="{{ policy }}"><style>{{ style }}</style>
<p>{{ text }}</p><script type="application/json">{{ data }}</script><script>{{ script }}</script>"""


@given(
    st.recursive(
        st.text() | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_embedded_data_comes_back_and_ends_no_element(data):
    text = str(embedded(data))
    assert json.loads(text) == data
    assert not set("<>&\u2028\u2029") & set(text)


def test_numbers_that_json_does_not_know_are_refused():
    with pytest.raises(ValueError, match="JSON compliant"):
        embedded({"score": float("nan")})


def test_the_policy_names_the_hashes_of_exactly_what_stands_on_the_page():
    page = rendered(TEMPLATE, "p > a {}", "if (1 < 2 && 3) {}", text="<script>", data=embedded("</script>"))
    allowed = re.search(r'content="([^"]+)"', page)[1].replace("&#39;", "'")
    for tag, text in (("style", "p > a {}"), ("script", "if (1 < 2 && 3) {}")):
        assert f"<{tag}>{text}</{tag}>" in page
        assert f"{tag}-src 'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" in allowed
    assert "<p>&lt;script&gt;</p>" in page
    assert page.count("</script>") == 2


def test_a_page_without_a_script_allows_none():
    assert "script-src 'none'" in policy(["p {}"], [])


@pytest.mark.parametrize(("style", "script"), [("</STYLE>", ""), ("", "'</script>'"), ("", "<!--")])
def test_a_style_or_script_that_would_end_itself_is_refused(style, script):
    with pytest.raises(ValueError, match="would end it early"):
        rendered(TEMPLATE, style, script, text="", data="")


def test_much_data_come_back_as_they_were_and_anything_else_as_it_is():
    content = bytes(range(256)) * 100
    assert unfolded(folded(content).encode(), len(content)) == content
    text = folded(content).encode()
    for other in (text[:40], b"no base64!", b"AAAA", text):
        assert unfolded(other, 1000) == other
