"""A registry laid out like Quay, whose three ways in take tokens of several issuers by one configuration."""
