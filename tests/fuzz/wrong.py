"""WrongAnswer: what a judge raises when the code under test gave an answer that it must not give."""

from __future__ import annotations


class WrongAnswer(AssertionError):
    """Something was accepted, or said, that must not be; never an honest refusal."""
