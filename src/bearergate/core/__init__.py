"""The pure core: rules of OAuth 2.0 bearer tokens as values and functions.

Nothing here does I/O, reads a clock or the environment, logs, locks, or knows a framework.
"""
