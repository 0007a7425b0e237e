"""Exact rational algebra over operators: Cook–Toom transforms, and rewrites that are proved equal."""
