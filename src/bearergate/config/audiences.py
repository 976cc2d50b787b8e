"""The audiences where a list and a client id name them side by side: in the flat keys, and in the blocks of Quay.

Notes nothing about a list that is broken: that is done where the schema is read. Knows no key.
"""

from __future__ import annotations

from dataclasses import replace

from bearergate.config.located import STAND_IN, Findings, Located
from bearergate.config.section import read_text


def read_audiences(
    listed: Located | None, client: Located | None, findings: Findings, *, nowhere: Located, always_client: bool
) -> Located:
    """The list, or the client id alone where there is none; with `always_client` the list and the client id.

    `nowhere`: the place of a stand-in where neither is written, which is a problem that the caller has noted.
    """
    own = None if client is None else read_text(client, findings)
    if listed is None:
        at = client or nowhere
        # The stand-in is never used: without a usable client id there is a problem.
        item = Located(own or STAND_IN, at.path, at.name, at.origin)
        return Located([], at.path, at.name, at.origin, items=(item,))
    texts = {item.value for item in listed.items or () if isinstance(item.value, str)}
    if always_client and client is not None and own is not None and listed.items and own not in texts:
        return replace(listed, items=(*listed.items, client))
    return listed
