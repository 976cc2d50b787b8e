"""A real Docker registry, a real client and a real PostgreSQL behind the registry token service."""
