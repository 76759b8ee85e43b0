"""Addresses that are refused, each for an attack; and those that are not."""

import ipaddress

import pytest

from openedx_webhooks.transport import guard
from openedx_webhooks.transport.failures import Failure

from .servers import says

ALWAYS_REFUSED = [
    "169.254.169.254",  # metadata of most clouds
    "169.254.170.2",  # AWS ECS credentials
    "169.254.0.1",
    "fe80::1",
    "fe80::1%eth0",
    "febf::1",  # the end of fe80::/10
    "fe80::a9fe:a9fe",  # OpenStack over IPv6
    "fd00:ec2::254",  # AWS over IPv6
    "fd00:ec2::23",  # EKS pod identity
    "fd20:ce::254",  # GCP over IPv6
    "fd00:42::42",  # Scaleway over IPv6
    "100.100.100.200",  # Alibaba
    "168.63.129.16",  # Azure wire server
    "192.0.0.192",  # Oracle
    "0.0.0.0",  # loopback on Linux
    "0.1.2.3",
    "::",
    "224.0.0.1",
    "239.255.255.250",  # UPnP
    "ff02::1",
    "255.255.255.255",
    "240.0.0.1",
    # The metadata service in IPv6 clothes:
    "::ffff:169.254.169.254",  # mapped
    "::169.254.169.254",  # compatible
    "::ffff:0:169.254.169.254",  # translated
    "64:ff9b::169.254.169.254",  # NAT64
    "64:ff9b:1::169.254.169.254",  # NAT64, local
    "2002:a9fe:a9fe::1",  # 6to4
    "2001:0:a9fe:a9fe::1",  # Teredo, as the server
    "2001:0:808:808::5601:5601",  # Teredo, as the client: bits turned
    "2001:db8::5efe:169.254.169.254",  # ISATAP
    "2001:db8::200:5efe:169.254.169.254",  # ISATAP, globally unique
    "::ffff:100.100.100.200",
    "::ffff:0.0.0.0",
]
PRIVATE = [
    "127.0.0.1",
    "127.8.8.8",
    "::1",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "100.64.0.1",
    "fd12::1",
    "fc00::1",
    "fec0::1",
    "192.0.0.8",
    "198.18.0.1",
    "192.0.2.1",
    "198.51.100.1",
    "203.0.113.1",
    "192.88.99.1",
    "5f00::1",
    "100::1",
    "2001:db8::1",
    "3fff::1",
    "::ffff:10.0.0.1",
    "::ffff:127.0.0.1",
    "::127.0.0.1",
    "64:ff9b::10.0.0.1",
    "64:ff9b:1::8.8.8.8",
    "2002:0a00:0001::1",
    "2002:7f00:1::",
]
PUBLIC = [
    "8.8.8.8",
    "1.1.1.1",
    "172.15.255.255",
    "172.32.0.1",
    "100.63.255.255",
    "100.128.0.1",
    "168.63.129.17",
    "169.253.255.255",
    "169.255.0.1",
    "223.255.255.255",
    "2606:4700:4700::1111",
    "2a00:1450:4001:82a::200e",
    "64:ff9b::8.8.8.8",
    "2620:0:ccc::2",
]


def refused(policy: guard.Policy, address: str, host: str = "name.test") -> bool:
    """Whether a policy refuses a host with this address."""
    try:
        policy.check(host, [address])
    except Failure as failure:
        return failure.kind == "refused_address"
    return False


@pytest.mark.parametrize("address", ALWAYS_REFUSED)
@pytest.mark.parametrize("deny_private", [False, True])
def test_metadata_and_nonsense_are_refused(address, deny_private):
    assert refused(guard.Policy(deny_private), address)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_networks_are_allowed(address):
    assert not refused(guard.Policy(), address)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_networks_can_be_denied(address):
    assert refused(guard.Policy(deny_private=True), address)


@pytest.mark.parametrize("address", PUBLIC)
@pytest.mark.parametrize("deny_private", [False, True])
def test_public_addresses_are_allowed(address, deny_private):
    assert not refused(guard.Policy(deny_private), address)


def test_denying_leaves_only_what_python_calls_public():
    """A step through the whole of IPv4: nothing that Python's own table calls private is allowed."""
    policy = guard.Policy(deny_private=True)
    allowed = [
        address
        for address in map(ipaddress.IPv4Address, range(0, 2**32, 2**32 // 4999))
        if not refused(policy, str(address))
    ]
    assert all(address.is_global for address in allowed)


@pytest.mark.parametrize(
    "policy, address, allowed",
    [
        (guard.Policy(True, networks=(ipaddress.ip_network("10.1.0.0/16"),)), "10.1.2.3", True),
        (guard.Policy(True, networks=(ipaddress.ip_network("10.1.0.0/16"),)), "10.2.0.1", False),
        (guard.Policy(True, networks=(ipaddress.ip_network("10.1.0.0/16"),)), "::ffff:10.1.2.3", False),
        (guard.Policy(networks=(ipaddress.ip_network("169.254.169.254/32"),)), "169.254.169.254", True),
        (guard.Policy(networks=(ipaddress.ip_network("fe80::/10"),)), "fe80::1", True),
        (guard.Policy(networks=(ipaddress.ip_network("fe80::/10"),)), "169.254.169.254", False),
        # To allow all of IPv6 is not to allow the IPv4 inside it.
        (guard.Policy(networks=(ipaddress.ip_network("::/0"),)), "::ffff:169.254.169.254", False),
    ],
)
def test_a_network_can_be_allowed(policy, address, allowed):
    assert refused(policy, address) is not allowed


@pytest.mark.parametrize(
    "hosts, host, allowed",
    [
        (("n8n",), "n8n", True),
        (("n8n",), "N8N.", True),
        (("n8n",), "n8n.evil.test", False),
        (("n8n",), "evil-n8n", False),
        ((".cluster.local",), "n8n.apps.cluster.local", True),
        ((".cluster.local",), "cluster.local", False),
        ((".cluster.local",), "evilcluster.local", False),
        (("10.0.0.1",), "10.0.0.1", True),
    ],
)
def test_a_host_can_be_allowed(hosts, host, allowed):
    assert refused(guard.Policy(True, hosts=hosts), "10.0.0.1", host) is not allowed


def test_the_settings_are_read(settings):
    settings.OPENEDX_WEBHOOKS = {
        "DENY_PRIVATE_ADDRESSES": True,
        "ALLOWED_HOSTS": ["N8N."],
        "ALLOWED_NETWORKS": ["10.1.2.3/16"],
    }
    assert guard.policy() == guard.Policy(True, ("n8n",), (ipaddress.ip_network("10.1.0.0/16"),))


def test_a_network_that_is_none_allows_nothing_and_is_logged(settings, caplog):
    settings.OPENEDX_WEBHOOKS = {"ALLOWED_NETWORKS": ["10.0.0.0/8", "ten.dot.something"]}
    assert guard.policy().networks == (ipaddress.ip_network("10.0.0.0/8"),)
    assert "ten.dot.something" in caplog.text


class TestConnecting:
    """The guard at work: nothing is sent to an address that is refused."""

    @pytest.mark.parametrize(
        "host",
        [
            "169.254.169.254",
            "2852039166",  # one decimal number
            "0xA9FEA9FE",  # hexadecimal
            "0251.0376.0251.0376",  # octal
            "169.254.43518",  # the last number takes the rest
            "0xa9.254.0251.254",  # mixed
            "[::ffff:169.254.169.254]",
            "[::ffff:a9fe:a9fe]",
            "[fe80::1]",
            "[fe80::1%lo]",
            "0",
            "0.0.0.0",
            "[::]",
        ],
    )
    def test_an_address_in_any_notation(self, post, host):
        assert post(f"http://{host}/latest/meta-data/").error == "refused_address"

    @pytest.mark.parametrize(
        "host", ["127.0.0.1", "2130706433", "0x7f.1", "017700000001", "localhost", "[::ffff:127.0.0.1]"]
    )
    def test_loopback_in_any_notation_if_private_addresses_are_denied(self, raw, post, settings, host):
        settings.OPENEDX_WEBHOOKS = {"DENY_PRIVATE_ADDRESSES": True}
        server = raw(says(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
        assert post(server.url(host=host)).error == "refused_address"
        assert server.accepted == 0

    @pytest.mark.parametrize(
        "addresses",
        [["169.254.169.254"], ["127.0.0.1", "169.254.169.254"], ["169.254.169.254", "127.0.0.1"], ["::ffff:a9fe:a9fe"]],
    )
    def test_a_name_with_a_refused_address_among_others(self, raw, post, names, addresses):
        names({"rebinds.test": addresses})
        server = raw(says(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
        assert post(server.url(host="rebinds.test")).error == "refused_address"
        assert server.accepted == 0

    def test_an_allowed_name_may_have_any_address(self, receiver, post, names, settings):
        settings.OPENEDX_WEBHOOKS = {"DENY_PRIVATE_ADDRESSES": True, "ALLOWED_HOSTS": ["n8n"]}
        names({"n8n": ["127.0.0.1"], "other": ["127.0.0.1"]})
        assert post(f"http://n8n:{receiver.port}/").ok
        assert post(f"http://other:{receiver.port}/").error == "refused_address"

    def test_an_allowed_network_is_reached(self, receiver, post, settings):
        settings.OPENEDX_WEBHOOKS = {"DENY_PRIVATE_ADDRESSES": True, "ALLOWED_NETWORKS": ["127.0.0.0/8"]}
        assert post(receiver.url()).ok
