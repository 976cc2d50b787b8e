"""A real Keycloak on loopback for end-to-end tests.

Nothing is imported here: asking for the package must not cost a download or need a JDK.
"""
