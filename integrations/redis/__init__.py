"""A real Redis or Valkey server through which machines share keys, for end-to-end tests.

Nothing is imported here: asking for the package must not need a server.
"""
