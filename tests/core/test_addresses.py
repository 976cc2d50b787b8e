"""Which addresses are public, and every way to write one that is not."""

from __future__ import annotations

import pytest

from bearergate.core.addresses import is_public


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8", "1.1.1.1", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0", "169.253.1.1",
        "192.167.1.1", "192.169.1.1", "198.17.1.1", "198.20.1.1", "223.255.255.255", "126.1.2.3", "128.0.0.1",
        "2606:4700::1111", "2001:4860:4860::8888", "2a00:1450::1", "2003::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8",
    ],
)  # fmt: skip
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(address) is True


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "127.0.0.1", "127.255.255.254",
        "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.192", "192.0.2.1", "192.88.99.1",
        "192.168.0.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255",
        "240.0.0.1", "255.255.255.255", "168.63.129.16", "::ffff:168.63.129.16",
        "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:a9fe:a9fe", "::ffff:0:127.0.0.1",
        "64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "100::1", "fc00::1", "fd12:3456::1", "fe80::1",
        "fe80::1%eth0", "2606:4700::1111%eth0", "fec0::1", "ff02::1", "2001::1", "2001:10::1", "2001:20::1",
        "2001:db8::1", "2002:7f00:1::", "2002:808:808::1", "3fff::1", "4000::1", "fd00:ec2::254",
    ],
)  # fmt: skip
def test_special_private_and_local_addresses_are_not(address: str) -> None:
    assert is_public(address) is False


@pytest.mark.parametrize(
    "text", ["", "localhost", "0177.0.0.1", "2130706433", "8.8.8", "8.8.8.8 ", "[::1]", "8.8.8.8/32"]
)
def test_what_no_resolver_would_say_is_not_public_either(text: str) -> None:
    assert is_public(text) is False
