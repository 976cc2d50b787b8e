"""The demo: issuers, the gate, two protected applications and a table of tokens, all in one process on loopback.

A user of the library like any other: it goes through the public adapters and over HTTP. Nothing imports it but cli/.
"""
