"""A real Kubernetes API server for end-to-end tests. Must not be imported by the library."""
