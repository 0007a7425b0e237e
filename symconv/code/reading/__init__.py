"""Statements and expressions of the code, read one by one."""
