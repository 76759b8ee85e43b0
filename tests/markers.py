"""
Markers in the place of everything that must not be found somewhere: secrets and a person, in every argument of an event
or a filter, made from its declaration, so that a new one needs nothing here.
"""

import html
import io
import json
import typing
from types import UnionType
from urllib.parse import unquote_plus
from uuid import UUID

from django.http import HttpResponseBase, QueryDict

from openedx_webhooks.payloads import sample_arguments
from openedx_webhooks.payloads.data_classes import data_fields, is_data_class, unwrapped
from openedx_webhooks.payloads.samples import sample_instance

USER_ID = 86420971
USERNAME, EMAIL = "zephyrine9", "z.quill@markers.example.org"
NAME, ADDRESS = "Zephyrine Quillfeather", "Featherlane 12b"
PERSON = (USERNAME, EMAIL, NAME, ADDRESS, str(USER_ID))
# Name of a member → its value.
SECRETS = {
    "password": "Mk1-passw0rd-Qz",
    "password_hash": "pbkdf2_sha256$600000$Mk2salt$Mk2hashQzQzQzQzQzQz=",
    "access_token": "Mk3t0kenQzQzQzQzQzQzQzQz",
    "sessionid": "mk4sess10nqzqzqzqzqzqzqzqzqzqzqz",
    "csrfmiddlewaretoken": "Mk5csrfQzQzQzQzQzQzQzQzQzQzQzQz",
    "id_token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJNazZqd3QifQ.Mk6jwtQzQzQzQzQz",
    "private_key": "Mk7keyQzQzQzQzQzQzQzQz",
    "code": "Mk8oauthc0deQzQzQz",
}
# So much of each is enough to know it again.
CORES = tuple(value.rpartition(".")[2].rpartition("$")[2][:10].lower() for value in SECRETS.values())
# In texts that are public whoever an event is about, such as titles: of a person, an address is known by its form.
PUBLIC = {
    ("BadgeTemplateData", "description"),
    ("BadgeTemplateData", "name"),
    ("CcxCourseData", "display_name"),
    ("CertificateConfigData", "title"),
    ("CertificateSignatoryData", "organization"),
    ("CourseCatalogData", "name"),
    ("CourseData", "display_name"),
    ("DiscussionTopicContext", "title"),
    ("ProgramData", "title"),
}
TEXT = f"""I am {NAME} ({USERNAME}, {EMAIL}, {ADDRESS}, https://lms.example.org/u/{USERNAME}?user_id={USER_ID}).
https://lms.example.org/complete?code={SECRETS["code"]}&access_token={SECRETS["access_token"]}#id={SECRETS["id_token"]}
Cookie: sessionid={SECRETS["sessionid"]}
Authorization: Bearer {SECRETS["access_token"]}
{{"password": "{SECRETS["password"]}", 'csrfToken': '{SECRETS["csrfmiddlewaretoken"]}'}}
<input type="hidden" name="csrfmiddlewaretoken" value="{SECRETS["csrfmiddlewaretoken"]}">
{SECRETS["password_hash"]}
-----BEGIN PRIVATE KEY-----
{SECRETS["private_key"]}
-----END PRIVATE KEY-----"""
# And what else an event says of its person.
PUBLIC_TEXT, PERSONS_TEXT = TEXT.partition("\n")[2] + EMAIL, f"{NAME}: {USERNAME}@{EMAIL}, /u/{USERNAME}?id={USER_ID}"
MEMBERS = {
    **SECRETS,
    USERNAME: EMAIL,
    "text": TEXT,
    "address": ADDRESS,
    "name": NAME,
    "user_id": USER_ID,
    "inside": {"list": [{**SECRETS, "text": TEXT}]},
    "json": json.dumps({**SECRETS, "user": USERNAME, "user_id": USER_ID}),
}


def found(markers, *haystacks: str) -> set[str]:
    """The markers that are somewhere, however the text is encoded."""
    text = "\n".join(haystacks)
    forms = {text, unquote_plus(text), html.unescape(text)}
    lower = [form.lower() for form in forms] + [form.replace('\\"', '"').lower() for form in forms]
    return {marker for marker in markers if any(marker.lower() in form for form in lower)}


# --- Events


class Planter:
    """Makes the arguments of an event."""

    def __init__(self, text: str | None = None):
        """
        Args:
            text: in the place of every text; None: the text above, but where a username, a name or an address belongs.
        """
        self._text, self._public = text, PUBLIC_TEXT

    def arguments(self, event) -> dict[str, typing.Any]:
        """Argument → value."""
        made = {name: self._value(kind, name, ()) for name, kind in event.init_data.items()}
        if self._text is None and f"username='{USERNAME}'" in repr(made):
            self._public = f"{PUBLIC_TEXT} {PERSONS_TEXT}"
            made = {name: self._value(kind, name, ()) for name, kind in event.init_data.items()}
            self._public = PUBLIC_TEXT
        return made

    def _value(self, annotation, name, inside):
        annotation = unwrapped(annotation)
        origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
        if origin in (typing.Union, UnionType):
            return self._value(next(one for one in arguments if one is not type(None)), name, inside)
        base = origin or annotation
        if not isinstance(base, type):
            return None
        if is_data_class(base):
            if base in inside:
                return None
            fields = [field for field in data_fields(base) if field.argument]
            return base(**{one.argument: self._value(one.type, one.name, (*inside, base)) for one in fields})
        if issubclass(base, (list, set, tuple)):
            return base([self._value(one, name, inside) for one in arguments[:1]])
        return self._leaf(base, name, inside[-1].__name__ if inside else "")

    def _leaf(self, base, name, owner):
        if issubclass(base, dict):
            return dict(MEMBERS)
        if base is typing.BinaryIO or issubclass(base, io.IOBase):
            return io.BytesIO(TEXT.encode())
        if issubclass(base, str):
            text = self._public if (owner, name) in PUBLIC else TEXT
            return self._word(name, owner) or (text if self._text is None else self._text)
        if issubclass(base, bool):
            return True
        if issubclass(base, int):
            return USER_ID if name.endswith(("id", "ids")) and name != "group_id" else 1
        if issubclass(base, UUID):
            return UUID(int=USER_ID)
        return sample_instance(base)

    @staticmethod
    def _word(name, owner):
        if name == "name" and owner == "UserPersonalData":
            return NAME
        if name == "subject":
            return f"user^{USERNAME}"
        return {"username": USERNAME, "email": EMAIL, "coach_email": EMAIL}.get(name, "")


# --- Filters


def filter_call(filter_type) -> dict[str, typing.Any]:
    """Arguments of a filter, with the markers in each."""
    return {name: _planted(value) for name, value in sample_arguments.filter_arguments(filter_type).items()}


def _planted(value, depth=0):
    if depth > 4 or value is None:
        return value
    if isinstance(value, QueryDict):
        form = value.copy()
        form.update({**SECRETS, "goals": TEXT})
        return form
    if isinstance(value, dict):
        return {**{name: _planted(one, depth + 1) for name, one in value.items()}, **MEMBERS}
    if isinstance(value, (list, set)):
        return type(value)([*(_planted(one, depth + 1) for one in value), TEXT])
    if isinstance(value, str):
        return f"{value} {TEXT}"
    if isinstance(value, HttpResponseBase):
        value.content, value["X-Token"] = TEXT.encode(), SECRETS["access_token"]
        value.set_cookie("sessionid", SECRETS["sessionid"])
        return value
    if type(value).__module__ == sample_arguments.__name__ and hasattr(value, "__dict__"):
        for name, one in list(vars(value).items()):
            setattr(value, name, _planted(one, depth + 1))
        vars(value).update(SECRETS)
    return value
