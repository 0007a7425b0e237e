"""Transposed relations solved into gather form: phases, steps and exact bounds, proved."""
