"""Which IP addresses belong to the public Internet, decided by a table of our own that is the same everywhere.

Whoever lets strangers name hosts to connect to asks here first. An IPv4 address that travels inside an IPv6 one is
judged for itself. What is in doubt is not public. Knows no name and no socket.
"""

from __future__ import annotations

import ipaddress
from typing import Final

# IANA IPv4 Special-Purpose Address Registry (RFC 6890) without what is globally reachable, and multicast (RFC 5771).
_NOT_PUBLIC_V4: Final = tuple(
    ipaddress.IPv4Network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/4", "240.0.0.0/4",
        # Not special by IANA's registry, but for every machine in Azure its own host.
        "168.63.129.16/32",
    )
)  # fmt: skip
_PUBLIC_V6: Final = ipaddress.IPv6Network("2000::/3")
"""All that has been given out as global unicast (RFC 4291); everything else is special."""
# Within it: IETF protocols with Teredo and ORCHID (RFC 2928), documentation (RFC 3849, RFC 9637), 6to4 (RFC 3056).
_NOT_PUBLIC_V6: Final = tuple(
    ipaddress.IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)
# IPv4-mapped (RFC 4291 section 2.5.5.2), and what networks without IPv4 translate (RFC 6052).
_CARRIES_V4: Final = (ipaddress.IPv6Network("::ffff:0:0/96"), ipaddress.IPv6Network("64:ff9b::/96"))
_V4_BITS: Final = 0xFFFFFFFF


def is_public(text: str) -> bool:
    """Whether a numeric address, as a resolver gives it, is one of the public Internet."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return _is_public_v4(address)
    if address.scope_id is not None:
        return False
    if any(address in network for network in _CARRIES_V4):
        return _is_public_v4(ipaddress.IPv4Address(int(address) & _V4_BITS))
    return address in _PUBLIC_V6 and not any(address in network for network in _NOT_PUBLIC_V6)


def _is_public_v4(address: ipaddress.IPv4Address) -> bool:
    return not any(address in network for network in _NOT_PUBLIC_V4)
