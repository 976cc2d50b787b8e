"""A fault of our own: written down for the operator without what it quotes, answered without any detail.

Knows no framework and no request.
"""

from __future__ import annotations

import logging
from traceback import format_tb

from bearergate.core.bearer import Answer, failure


def report_fault(log: logging.Logger, error: Exception, occasion: str) -> Answer:
    """Log where it happened and answer 500; nobody gets in.

    `occasion` completes "... while", for example `judging a request`.
    """
    # Not the exception's own text: nobody knows what it quotes.
    log.error("%s while %s\n%s", type(error).__name__, occasion, "".join(format_tb(error.__traceback__)))
    return failure()
