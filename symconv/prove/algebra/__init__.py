"""Rational functions, roots and functions of shared sums, in exact arithmetic."""
