"""The token with which a webhook's receiver asks for what it missed: made on the webhook's page, and shown once."""

from django.contrib import messages
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from ..models import Webhook
from ..operations import receiver_access
from . import words


def panel(webhook: Webhook) -> dict[str, str] | None:
    """What the page says about it; None while the access is switched off."""
    if not webhook.receiver_access:
        return None
    made_at = receiver_access.made_at(webhook)
    return {"made_at": words.exact(made_at) if made_at else ""}


def make(model_admin, request, webhook: Webhook):
    if not webhook.receiver_access:
        text = _("Tick “the receiver may look up what it missed” under “Advanced” first, and save.")
        model_admin.message_user(request, text, messages.ERROR)
        return model_admin.back(webhook)
    token = receiver_access.make_token(webhook)
    model_admin.log_change(request, webhook, _("A token for the receiver was made; the one before ended."))
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "original": webhook,
        "secret": token,
        "address": request.build_absolute_uri(reverse("openedx_webhooks:receiver_messages")),
        "title": _("Token of the receiver"),
    }
    return TemplateResponse(request, "admin/openedx_webhooks/receiver_token.html", context)
