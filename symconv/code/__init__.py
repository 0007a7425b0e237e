"""Python code that people wrote, read as arrays of sums over indices: parsed, never executed or imported."""
