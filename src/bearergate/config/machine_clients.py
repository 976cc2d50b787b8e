"""`machine_clients:` of one issuer: mode, mark, allow, audiences. Of the issuer it knows no more than its preset."""

from __future__ import annotations

from typing import Final

from bearergate.config.presets import PRESETS
from bearergate.config.section import Section
from bearergate.core.policy import MachineClients, MachineMark, MachineMode

MACHINE_KEYS: Final = ("mode", "mark", "allow", "audiences")
_STORIES: Final = {
    "group_by_subject": "group_by_subject cannot be set on its own; set the profile opendepot, which brings it"
}


def read_machine_clients(entry: Section, issuer: str) -> MachineClients:
    """Which machine clients of the issuer are let in."""
    section = entry.section("machine_clients", MACHINE_KEYS, _STORIES)
    machines = MachineClients(
        mode=section.choice("mode", MachineMode, MachineMode.OFF),
        mark=section.choice("mark", MachineMark, MachineMark.RFC9068),
        allow=frozenset(section.texts("allow") or ()),
        audiences=frozenset(section.texts("audiences") or ()),
        group_by_subject=section.flag("group_by_subject"),
    )
    if machines.mode is not MachineMode.OFF:
        _check_mode(entry, section, machines)
    elif machines.allow:
        entry.findings.warn(f"{section.members['allow'].path} has no effect while machine clients are off")
    if machines.mode is MachineMode.COMPAT:
        who = "the listed clients" if machines.allow else "any client"
        entry.findings.warn(
            f"machine clients of {issuer} are recognised in mode compat: "
            f"any token of that issuer to {who}, for any other audience, is let in as a machine's"
        )
    return machines


def _check_mode(entry: Section, section: Section, machines: MachineClients) -> None:
    mode = section.members["mode"]
    preset = entry.members.get("preset")
    # Without a preset the mark is RFC 9068's; a preset without one says that its provider has none.
    if preset is not None and preset.value in tuple(PRESETS) and "mark" not in section.members:
        entry.findings.problem(
            mode,
            f"cannot be {machines.mode.value}: preset {preset.value} has no mark of machine clients",
            "name the mark of the issuer, or switch machine clients off",
        )
    if machines.mode is MachineMode.STRICT and "allow" not in section.members:
        entry.findings.problem(
            mode,
            "lets in the listed machine clients only, and none is listed",
            "list them in machine_clients.allow (OIDC_MACHINE_CLIENTS)",
        )
