"""What to write instead of a value of the wrong type: one clause for each type that is wanted. Words only.

Beside the sentence that says what is wrong and not inside it: those sentences are fixed, and operators search for them.
"""

from __future__ import annotations

from typing import Final

AS_LIST: Final = 'write it as ["a", "b"]'
AS_STRINGS: Final = "write every item in quotes"
FILLED: Final = "write a value or remove the key"
WITHOUT_EMPTY: Final = "remove the empty items"
AS_WHOLE: Final = "write digits only, without quotes"
AS_NUMBER: Final = "write a number without quotes"
AS_FLAG: Final = "write true or false without quotes"
AS_MAPPING: Final = "write each of its settings as a key and a value"
AS_CLAIMS: Final = 'write it as ["a", "b"], or each claim with its value'
AS_CLAIM_VALUE: Final = "write one value, or a list of accepted values"
AS_ISSUERS: Final = "list the trusted issuers, each with its audiences"
AS_ENTRY: Final = "write each issuer as a mapping with issuer and audiences"
AS_FILE: Final = "write the key issuers at the top"


def as_string(value: object) -> str:
    """What to write instead of something that is no string."""
    return "write it in quotes" if isinstance(value, int | float) else "write one string in quotes"
