"""A real Dex for end-to-end tests. Must not be imported by the library."""
