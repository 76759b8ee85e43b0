"""
Learners write texts, and wait while these are looked through: twice of a text takes twice as long, whatever it holds.

The texts are put together from everything that a pattern begins with, waits for or ends at.
"""

import json
import time
from collections.abc import Callable

import pytest

from openedx_webhooks.payloads.encode import encode
from openedx_webhooks.payloads.redact import excerpt, mask
from openedx_webhooks.payloads.secret_names import is_sensitive
from openedx_webhooks.payloads.serialize import to_json, user_id_of

ATOMS = [
    *"a_.-[]%=&;\"'\\:@/?#<>${}(,+~ \n\t1é",
    *("%25", "%3D", "%2525", "%5D", "%26", " = ", ": ", "://", '\\"', "&quot;", "&#34;", "&q", '"a":', "a:'"),
    *('{"', "{'a':", "token", "token=", 'token="', "token: '", 'token:\\"', "token%3D", '{"token":"', "signature="),
    *("<input ", "<meta ", "name=", "value='", 'id="token"', "content = "),
    *("$2b$", "$1$", "md5$", "pbkdf2_", "argon2", "eyJ", "eyJaaaaa.", ".bbbb"),
    *("-----BEGIN ", "PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----", "-----END ", "A "),
    *("curl", " -u ", "--user=", "AKIA", "ghp_", "xoxb-", "sk_live_", "whsec_", "code=", "state=", "\n--", 'name="pw"'),
    *(
        'content-disposition: form-data; name="pw"\r\n\r\n',
        "content-disposition: form-data;",
        "hooks.slack.com/services/",
    ),
    *(
        "<Assertion>",
        "<a:Assertion ",
        "</a:Assertion",
        "</",
        "<pw>",
        "<password ",
        "sk-",
        "1//0",
        "1:AA",
        "-us1",
        "gla-",
    ),
    *("code=a1&", "%26code%3D", "/callback?", " --pw=", " => ", "://a1", "curl -H 'pw: ", "/reset/a/", "EAA"),
    *("basic ", "Bearer\t", "/activate/", "password_reset_confirm/", "//a:", "a@"),
]
SIZE, LARGE = 2048, 65536
# Seconds for a character. The costliest text takes an eighth of it where nothing else runs. One that is looked through
# again and again takes the more the longer it is, and at the larger size many times this.
MOST = 8e-6


def cost(text: str, work: Callable[[str], object] = mask) -> float:
    """Seconds for a character, of this process: others may be busy."""
    best = float("inf")
    for _ in range(15):
        start = time.process_time()
        work(text)
        best = min(best, (time.process_time() - start) / len(text))
        if best < MOST:
            break
    return best


def repeated(*parts: str, size: int = SIZE) -> str:
    """The parts again and again."""
    unit = "".join(parts)
    return (unit * (size // len(unit) + 1))[:size]


def runs(before: str, atom: str, behind: str, step: int) -> str:
    r"""``a:\\\"a:\\"a:\"``: each run is one shorter, or longer, than the one before."""
    longest = int((2 * LARGE / len(atom)) ** 0.5)
    return "".join(before + atom * length + behind for length in range(longest)[::step])


@pytest.mark.parametrize("atom", ATOMS)
def test_repeated_and_mixed(atom):
    """Alone, in turns with another, once before many others, and many before many others."""
    assert cost(repeated(atom)) < MOST
    for other in ATOMS:
        texts = [atom + repeated(other), repeated(atom, size=SIZE // 2) + repeated(other, size=SIZE // 2)]
        # The other way round they are the same turns.
        texts += [repeated(atom, other)] if atom < other else []
        for text in texts:
            assert cost(text) < MOST, text[:20]


@pytest.mark.parametrize("behind", ['"', "&quot;", " x"])
@pytest.mark.parametrize(
    "atom", ["\\", "'", '"', "%25", "25", " ", "&quot;", "a", "token=", "(", "A ", "=", "-", "$", "["]
)
def test_runs(atom, behind):
    """Runs that get shorter and shorter, so that none is like the one before."""
    for before in ("", "a:", "token:", "token=", "<input ", "basic"):
        assert cost(runs(before, atom, behind, -1)) < MOST
        assert cost(runs(before, atom, behind, 1)) < MOST


@pytest.mark.parametrize("quotes", ["'", '"', "'\"", ["&quot;", '"'], ["\\'", "'", "&#39;"]])
@pytest.mark.parametrize("name", ["a", "token"])
def test_quotes_that_nothing_closes(quotes, name):
    """Every kind of quote is opened, and what follows looks like its end but is none."""
    escape = "\\"
    heads = "".join(f"{name}:{escape * escapes}{quote} " for escapes in range(40, -1, -1) for quote in quotes)
    many = "\\" * 15
    for tail in ("x", "\\", f'{many}"', f"{many}'{many}&quot;", f" {name}: ", f"{name}={name}:"):
        assert cost(heads + repeated(tail, size=LARGE)) < MOST, tail


def nested() -> str:
    """JSON in JSON in JSON: every level doubles the backslashes."""
    text = "token=x"
    while len(text) < LARGE:
        text = json.dumps({"a": text, "token: ": [text[:10]]})
    return text


@pytest.mark.parametrize(
    "text",
    [
        nested(),
        repeated('{"a":', size=LARGE),
        repeated("[", size=LARGE),
        f"[{'1' * LARGE}]",
        f"[{'1' * LARGE}.5]",
        json.dumps(["a: b"] * (LARGE // 7)),
        json.dumps({str(number) * 3: "a: 'b'" for number in range(LARGE // 20)}),
    ],
    ids=["nested", "objects", "lists", "digits", "fraction", "texts", "members"],
)
def test_json(text):
    """What is JSON as a whole, and what only begins as it."""
    assert cost(text) < MOST
    assert cost(text + ":'") < MOST


@pytest.mark.parametrize(
    "work",
    [
        lambda text: excerpt(text.encode(errors="replace"), 4096, ["a-secret-of-the-hook"] * 10),
        lambda text: to_json({"a": text, text: 1}),
        lambda text: to_json([text[start : start + 10] for start in range(0, len(text), 10)]),
        lambda text: encode({"a": text}, True),
        is_sensitive,
        lambda text: user_id_of({"tracking_log": {"context": text}}),
    ],
    ids=["excerpt", "to_json", "to_json of a list", "encode", "is_sensitive", "user_id_of"],
)
@pytest.mark.parametrize("unit", ["a:\\", '"user_id": ', '"user_id":', "token=", "é", "\ud83d", "\n", "%"])
def test_other_passes(work, unit):
    """Excerpts of answers, payloads, forms, names, and the search for the user."""
    assert cost(repeated(unit), work) < MOST
    assert cost(unit + repeated(" "), work) < MOST
