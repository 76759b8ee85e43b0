"""
Which addresses may be connected to.

An endpoint's URL is entered by an operator, but names are answered by whoever owns the domain, and machines in a cloud
give their credentials to anybody who can make them send a request. So it is the address actually connected to that is
checked, not the text of the URL: neither ``http://2852039166/`` nor a name whose answer changes between a check and its
use (DNS rebinding) gets around it. docs/concepts/threat-model.rst explains the rules to operators.
"""

import ipaddress
import logging
from collections.abc import Iterable, Iterator
from functools import lru_cache

import attrs

from ..app_settings import app_settings
from .failures import Failure
from .resolver import numeric

log = logging.getLogger(__name__)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _table(*rows: tuple[str, str]) -> tuple[tuple[Network, str], ...]:
    return tuple((ipaddress.ip_network(network), reason) for network, reason in rows)


# Refused whatever DENY_PRIVATE_ADDRESSES says.
_REFUSED = _table(
    # Metadata services hand out the machine's cloud credentials: AWS, Azure, GCP, DigitalOcean, OpenStack
    # (169.254.169.254), AWS ECS and EKS (169.254.170.2, .23), Tencent (169.254.0.23), Scaleway (169.254.42.42).
    ("169.254.0.0/16", "link-local, where clouds keep their metadata service"),
    # The same over IPv6 (OpenStack: fe80::a9fe:a9fe), and neighbours that no router would let through.
    ("fe80::/10", "link-local"),
    # AWS metadata and pod identity over IPv6: fd00:ec2::254 and ::23. Looks like any private network.
    ("fd00:ec2::/32", "the metadata service of AWS"),
    # GCP and Scaleway metadata over IPv6.
    ("fd20:ce::254/128", "the metadata service of Google Cloud"),
    ("fd00:42::42/128", "the metadata service of Scaleway"),
    # Alibaba Cloud metadata, in carrier-grade NAT space.
    ("100.100.100.200/32", "the metadata service of Alibaba Cloud"),
    # Azure's wire server: host agent, certificates, extension settings. A public address that only a VM reaches.
    ("168.63.129.16/32", "the wire server of Azure"),
    # Oracle Cloud's older metadata address.
    ("192.0.0.192/32", "the metadata service of Oracle Cloud"),
    # "This host": Linux connects 0.0.0.0 and :: to loopback, which gets around rules that name 127.0.0.1 only.
    ("0.0.0.0/8", "unspecified"),
    ("::/128", "unspecified"),
    # One packet to many machines; no web server answers there.
    ("224.0.0.0/4", "multicast"),
    ("ff00::/8", "multicast"),
    ("255.255.255.255/32", "broadcast"),
    # Never assigned: routers, middleboxes and future networks make of it what they like.
    ("240.0.0.0/4", "reserved"),
)

# Refused with DENY_PRIVATE_ADDRESSES: what stands behind the firewall trusts whoever can reach it (databases, caches,
# admin pages, Kubernetes' API). Allowed by default, because an n8n beside the LMS is the usual endpoint.
_PRIVATE = _table(
    ("127.0.0.0/8", "loopback"),
    ("::1/128", "loopback"),
    ("10.0.0.0/8", "private"),
    ("172.16.0.0/12", "private"),
    ("192.168.0.0/16", "private"),
    # Unique local addresses, IPv6's private networks; the older site-local ones still route in places.
    ("fc00::/7", "private"),
    ("fec0::/10", "private"),
    # Carrier-grade NAT; EKS and GKE give it to pods.
    ("100.64.0.0/10", "private"),
    # IETF assignments, benchmarks, documentation: free for internal use, and used so.
    ("192.0.0.0/24", "not public"),
    ("198.18.0.0/15", "not public"),
    ("192.0.2.0/24", "not public"),
    ("198.51.100.0/24", "not public"),
    ("203.0.113.0/24", "not public"),
    ("192.88.99.0/24", "not public"),
    # Segment routing, discard-only, documentation; local-use NAT64, whose prefix length and so target is unknown.
    ("5f00::/16", "not public"),
    ("100::/64", "not public"),
    ("2001:db8::/32", "not public"),
    ("3fff::/20", "not public"),
    ("64:ff9b:1::/48", "not public"),
)

# An IPv4 address in the last 32 bits of IPv6: the kernel, a translator or a tunnel sends packets to the IPv4 address.
_IPV4_AT_THE_END = tuple(
    ipaddress.ip_network(network)
    for network in (
        "::ffff:0:0/96",  # IPv4-mapped: a socket connects to IPv4
        "::/96",  # IPv4-compatible
        "::ffff:0:0:0/96",  # IPv4-translated (SIIT)
        "64:ff9b::/96",  # NAT64
        "64:ff9b:1::/48",  # NAT64 for local use, in its usual /96 form
    )
)

# Names by which a proxy, which resolves names itself, would reach a metadata service. Without a proxy their addresses
# are refused anyway.
_METADATA_NAMES = frozenset(
    ("metadata.google.internal", "metadata.goog", "metadata", "instance-data", "instance-data.ec2.internal")
)


def embedded(address: Address) -> Iterator[Address]:
    """The address itself, and every IPv4 address that hides in it."""
    yield address
    if address.version == 4:
        return
    if address.sixtofour:
        yield address.sixtofour
    # Of Teredo, the server and the client: packets go to either.
    yield from address.teredo or ()
    number = int(address)
    # ISATAP: the interface identifier is [02]00:5efe and the IPv4 address.
    is_isatap = number >> 32 & 0xFDFFFFFF == 0x00005EFE
    if is_isatap or (number > 1 and any(address in network for network in _IPV4_AT_THE_END)):
        yield ipaddress.IPv4Address(number & 0xFFFFFFFF)


def _find(address: Address, table: Iterable[tuple[Network, str]]) -> str:
    return next((reason for network, reason in table if address.version == network.version and address in network), "")


@attrs.frozen(cache_hash=True)
class Policy:
    """
    What the operator's settings allow.

    Attributes:
        deny_private: refuse private networks, too.
        hosts: names, lower-case, that are allowed whatever they resolve to; ``.example.com`` means all below it.
        networks: allowed whatever the tables say.
    """

    deny_private: bool = False
    hosts: tuple[str, ...] = ()
    networks: tuple[Network, ...] = ()

    def check(self, host: str, addresses: Iterable[str]) -> None:
        """
        Check all addresses that a host has.

        One bad address refuses the host, even if others are good: an answer that mixes public and internal addresses
        is how a name gets a client to the internal one at the second try.

        Raises:
            Failure: ``refused_address``.
        """
        if self._is_allowed_host(host):
            return
        for text in addresses:
            reason = self._refusal(ipaddress.ip_address(text))
            if reason:
                raise Failure("refused_address", f"{text} is not an address to connect to: {reason}")

    def check_behind_proxy(self, host: str) -> None:
        """
        Check what can be known of a host that a proxy will resolve: addresses in any notation, and well-known names.

        Raises:
            Failure: ``refused_address``.
        """
        if self._is_allowed_host(host):
            return
        addresses = numeric(host)
        if addresses:
            self.check(host, [address[0] for _family, address in addresses])
            return
        name = host.rstrip(".").lower()
        if name in _METADATA_NAMES:
            raise Failure("refused_address", f"{name} is the name of a cloud's metadata service")
        if self.deny_private and (name == "localhost" or name.endswith(".localhost")):
            raise Failure("refused_address", f"{name} is not a name to connect to: loopback")

    def _is_allowed_host(self, host: str) -> bool:
        name = host.rstrip(".").lower()
        return any(name == allowed or (allowed[:1] == "." and name.endswith(allowed)) for allowed in self.hosts)

    def _refusal(self, address: Address) -> str:
        """The reason not to connect; empty if there is none."""
        for candidate in embedded(address):
            if any(candidate.version == net.version and candidate in net for net in self.networks):
                continue
            reason = _find(candidate, _REFUSED)
            if not reason and self.deny_private:
                # The last resort is Python's table, which knows what was registered after this one was written.
                reason = _find(candidate, _PRIVATE) or ("" if candidate.is_global else "not public")
            if reason:
                return reason if candidate == address else f"it contains {candidate}, {reason}"
        return ""


@lru_cache(maxsize=16)
def _policy(deny_private: bool, hosts: tuple[str, ...], networks: tuple[str, ...]) -> Policy:
    parsed = []
    for text in networks:
        try:
            parsed.append(ipaddress.ip_network(text, strict=False))
        except ValueError:
            # Left out, which allows less rather than more.
            log.error("OPENEDX_WEBHOOKS: %r in ALLOWED_NETWORKS is not a network and is ignored", text)
    return Policy(deny_private, tuple(host.rstrip(".").lower() for host in hosts), tuple(parsed))


def policy() -> Policy:
    """The policy of the current settings."""
    return _policy(
        bool(app_settings.DENY_PRIVATE_ADDRESSES),
        tuple(app_settings.ALLOWED_HOSTS),
        tuple(app_settings.ALLOWED_NETWORKS),
    )
