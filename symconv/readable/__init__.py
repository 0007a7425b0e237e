"""Operators and gradients as short programs over whole arrays: loops over the taps, slices for the rest."""
