"""Who may do what, from both of its sources: `bindings:` in the configuration, and a folder of manifests.

Together they are one list in the order of their names. Knows neither form itself: its siblings read them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from bearergate.config.bindings import read_bindings
from bearergate.config.group_bindings import SUFFIXES, read_group_bindings
from bearergate.config.located import DEFAULT, Findings, Located
from bearergate.config.section import Section
from bearergate.core.bindings import Bindings
from bearergate.core.errors import ConfigError

BINDINGS: Final = "bindings"
GROUP_BINDINGS: Final = "group_bindings"
BINDING_SOURCES: Final = (BINDINGS, GROUP_BINDINGS)
_EMPTY: Final = (
    f"the folder holds no manifest and grants nothing; put files that end in {', '.join(SUFFIXES)} into it, "
    "not into folders below it"
)


def read_authorization(top: Section, folder: Path) -> Bindings | None:
    """All bindings, or None where none are configured; problems go to the findings, what merely denies is a warning.

    A relative path starts at `folder`.
    """
    findings = top.findings
    written = [top.members[key] for key in BINDING_SOURCES if key in top.members]
    findings.provenance[BINDINGS] = ", ".join(at.origin for at in written) or DEFAULT
    if not written:
        return None
    here = top.members.get(BINDINGS)
    inline = None if here is None else read_bindings(here, findings)
    manifests = _of_folder(top, folder)
    both = [*(inline or ()), *(manifests or ())]
    if inline is not None and manifests is not None:
        _check_apart(inline, manifests, top.members[GROUP_BINDINGS], findings)
    notes = () if manifests is None else manifests.problems
    if manifests is not None and not tuple(manifests):
        findings.warn(f"{GROUP_BINDINGS}: {_EMPTY}")
    for note in notes:
        findings.warn(f"{GROUP_BINDINGS}: {note}")
    # Of two that have one name either will do: there is a problem by now, and nobody gets them.
    return Bindings({binding.name: binding for binding in both}.values(), notes)


def _of_folder(top: Section, folder: Path) -> Bindings | None:
    if GROUP_BINDINGS not in top.members:
        return None
    name = Section(top.members, top.findings).text(GROUP_BINDINGS)
    if name is None:
        return None
    try:
        return read_group_bindings(folder / name)
    except ConfigError as error:
        for problem in error.problems:
            if problem.path == str(folder / name):
                # Of the folder itself and no file in it: named by the setting that names it.
                top.findings.problem(top.members[GROUP_BINDINGS], problem.problem, problem.cure)
            else:
                top.findings.add(problem)
        return None


def _check_apart(inline: Bindings, manifests: Bindings, at: Located, findings: Findings) -> None:
    names = {binding.name for binding in inline}
    for binding in manifests:
        if binding.name in names:
            text = f"holds a manifest of the name {binding.name[:80]!r}, which one of {BINDINGS} has too"
            findings.problem(at, text, "name each once")
