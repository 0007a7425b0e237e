"""Measuring kernels honestly: interleaved timing, counted work, and torch beside them in the same process."""
