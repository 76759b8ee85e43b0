"""What the services of the recipes document of the requests that they accept, as far as a recipe could break it."""

_TEXT = {"type": "string", "minLength": 1}
_ADDRESS = {"type": "string", "pattern": "^[^@ ]+@[^@ ]+$"}
_SCALAR = {"type": ["string", "number", "boolean", "null"]}


def _object(required, **properties):
    return {"type": "object", "required": list(required), "properties": properties, "additionalProperties": False}


def _list(items, **limits):
    return {"type": "array", "items": items, "minItems": 1, **limits}


_CARD = _object(
    ["$schema", "type", "version", "body"],
    **{
        "$schema": {"const": "http://adaptivecards.io/schemas/adaptive-card.json"},
        "type": {"const": "AdaptiveCard"},
        # Teams shows up to 1.5.
        "version": {"enum": ["1.0", "1.1", "1.2", "1.3", "1.4", "1.5"]},
        "body": _list(
            {
                "oneOf": [
                    _object(
                        ["type", "text"],
                        type={"const": "TextBlock"},
                        text=_TEXT,
                        weight={"enum": ["Lighter", "Default", "Bolder"]},
                        wrap={"type": "boolean"},
                    ),
                    _object(
                        ["type", "facts"],
                        type={"const": "FactSet"},
                        facts=_list(_object(["title", "value"], title=_TEXT, value=_TEXT)),
                    ),
                ]
            }
        ),
    },
)

SCHEMAS = {
    # https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks and, of mrkdwn,
    # https://docs.slack.dev/reference/messaging/payload. A text is cut after 40,000 characters.
    "slack": _object(["text"], text={**_TEXT, "maxLength": 40_000}, mrkdwn={"type": "boolean"}),
    # https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using and
    # https://adaptivecards.io/explorer/AdaptiveCard.html. Workflows take adaptive cards only.
    "teams": _object(
        ["type", "attachments"],
        type={"const": "message"},
        attachments=_list(
            _object(
                ["contentType", "content"],
                contentType={"const": "application/vnd.microsoft.card.adaptive"},
                contentUrl={"type": ["string", "null"]},
                content=_CARD,
            )
        ),
    ),
    # https://discord.com/developers/docs/resources/webhook#execute-webhook and
    # https://discord.com/developers/docs/resources/message#allowed-mentions-object
    "discord": _object(
        ["content"],
        content={**_TEXT, "maxLength": 2000},
        allowed_mentions=_object([], parse={"type": "array", "items": {"enum": ["roles", "users", "everyone"]}}),
    ),
    # https://developers.google.com/workspace/chat/api/reference/rest/v1/spaces.messages: 32,000 bytes.
    "google_chat": _object(["text"], text={**_TEXT, "maxLength": 8000}),
    # https://help.zapier.com/hc/en-us/articles/8496288690317: any JSON object; one level keeps the names of its fields.
    "zapier": {"type": "object", "minProperties": 1, "additionalProperties": _SCALAR},
    # https://help.make.com/webhooks: any JSON, from which the structure is determined.
    "make": {"type": "object", "minProperties": 1, "required": ["event", "event_id", "text"]},
    # https://docs.n8n.io/integrations/builtin/core-nodes/n8n-nodes-base.webhook/: any JSON becomes body.
    "n8n": {"type": "object", "required": ["event", "event_id", "text", "data"], "properties": {"text": _TEXT}},
    # https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send
    "sendgrid": _object(
        ["personalizations", "from", "subject", "content"],
        **{
            "personalizations": _list(
                _object(["to"], to=_list(_object(["email"], email=_ADDRESS), maxItems=1000)), maxItems=1000
            ),
            "from": _object(["email"], email=_ADDRESS),
            "subject": _TEXT,
            "content": _list(_object(["type", "value"], type=_TEXT, value=_TEXT)),
        },
    ),
    # https://resend.com/docs/api-reference/emails/send-email: at most 50 addresses.
    "resend": _object(
        ["from", "to", "subject", "text"],
        **{"from": _ADDRESS, "to": _list(_ADDRESS, maxItems=50), "subject": _TEXT, "text": _TEXT},
    ),
}
