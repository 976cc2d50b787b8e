"""A real nginx in front of the gate, for end-to-end tests and as an example to copy.

Nothing is imported here: asking for the package must not need nginx.
"""
