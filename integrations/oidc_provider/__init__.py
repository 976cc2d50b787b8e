"""A real oidc-provider for end-to-end tests. Must not be imported by the library."""
