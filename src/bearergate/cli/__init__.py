"""The command line: where it starts, and what it refuses before it starts.

Knows no verb and imports nothing that an extra brings until it is known to be there.
"""

from __future__ import annotations

import re
import sys
import traceback
from typing import Final, NoReturn

_USAGE: Final = 2
_FAULT: Final = 70
"""EX_SOFTWARE of sysexits.h."""

_LOOKS_LIKE_TOKEN: Final = re.compile(
    # A JSON object in base64url begins like this (`{"`, `{ `, `{` and a line break); else three long segments.
    r"\b(?:eyJ|eyA|ewo|ewk|ew0K)[\w-]{8}"
    r"|(?<![\w./-])[\w-]{16,}\.[\w-]{16,}\.[\w-]{32,}(?![\w./-])"
    r"|(?i:\bbearer\s+\S)"
)
_NO_TOKEN_HERE: Final = (
    "bearergate: an argument looks like a token, and a token on the command line can be read by every user of the "
    "machine and stays in the shell's history; pipe it to `bearergate explain`, or name a file that holds it"
)
_NO_CLICK: Final = "bearergate: the command line needs packages that are not installed; install bearergate[cli]"


def main() -> NoReturn:
    """Run the command line and exit: 0 good, 1 refused, 2 usage or configuration, 3 no keys, 70 our fault."""
    if any(_LOOKS_LIKE_TOKEN.search(argument) for argument in sys.argv[1:]):
        # Before anything else reads it, because messages about arguments quote them.
        _give_up(_NO_TOKEN_HERE)
    try:
        import click
        import rich
    except ModuleNotFoundError:
        _give_up(_NO_CLICK)
    del click, rich
    from bearergate.cli.verbs import bearergate

    try:
        bearergate.main(prog_name="bearergate")
    except Exception as error:  # noqa: BLE001 - a fault of ours must not look like a refused token, which is 1
        # Not the exception's own text: nobody knows what it quotes.
        traceback.print_tb(error.__traceback__)
        _give_up(f"bearergate: {type(error).__name__}; this is a fault of bearergate, please report it", _FAULT)
    raise AssertionError("click exits by itself")


def _give_up(sentence: str, code: int = _USAGE) -> NoReturn:
    print(sentence, file=sys.stderr)
    sys.exit(code)
