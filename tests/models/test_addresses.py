"""Whether what was entered for one address may be sent to another."""

import pytest

from openedx_webhooks.models.addresses import is_another_place

ENTERED = "https://api.example.com/tenants/acme/hooks?key=1"


@pytest.mark.parametrize(
    "now",
    [
        ENTERED,
        "HTTPS://API.example.com/tenants/acme/hooks?key=1",
        "https://api.example.com:443/tenants/acme/hooks?key=1",
        "https://api.example.com/tenants/acme/hooks?key=1#x",
        "",
    ],
)
def test_the_same_place_however_it_is_written(now):
    assert not is_another_place(ENTERED, now)


@pytest.mark.parametrize(
    "now",
    [
        "http://api.example.com/tenants/acme/hooks?key=1",
        "https://api.example.com:8443/tenants/acme/hooks?key=1",
        "https://api.example.com:80/tenants/acme/hooks?key=1",
        "https://evil.example/tenants/acme/hooks?key=1",
        "https://api.example.com.evil.example/tenants/acme/hooks?key=1",
        "https://api.example.com./tenants/acme/hooks?key=1",
        "https://api.example.com/tenants/evil/hooks?key=1",
        "https://api.example.com/tenants/acme/../evil/hooks?key=1",
        "https://api.example.com/tenants/acme/hooks/?key=1",
        "https://api.example.com/tenants/ACME/hooks?key=1",
        "https://api.example.com/tenants/acme/hooks",
        "https://api.example.com/tenants/acme/hooks?key=2",
        "https://api.example.com@evil.example/tenants/acme/hooks?key=1",
        "https://evil@api.example.com/tenants/acme/hooks?key=1",
        "ftp://api.example.com/tenants/acme/hooks?key=1",
        "https://api.example.com:x/tenants/acme/hooks?key=1",
        "https://[",
    ],
)
def test_another_place(now):
    assert is_another_place(ENTERED, now)


@pytest.mark.parametrize(
    "before, now, is_another",
    [
        ("", ENTERED, True),
        ("https://[", ENTERED, True),
        ("http://a.example/x", "https://a.example/x", False),
        ("http://a.example:80/x", "https://a.example/x", False),
        ("http://a.example:8080/x", "https://a.example:8080/x", False),
        ("http://a.example:8080/x", "https://a.example/x", True),
        ("http://a.example:443/x", "http://a.example/x", True),
        ("https://a.example", "https://a.example/", False),
    ],
)
def test_tls_may_be_added_and_what_had_no_address_was_entered_for_none(before, now, is_another):
    assert is_another_place(before, now) is is_another
