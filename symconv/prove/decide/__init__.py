"""Equality of what is claimed and what is true, for all sizes."""
