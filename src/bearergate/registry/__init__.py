"""Docker Registry v2 token service and robot federation: what is issued, to whom, and who may say so.

An ASGI application over a small database. What is granted is decided in core/, by bindings and trust rules.
"""
