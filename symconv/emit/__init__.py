"""From the loop IR to the text of a Cython module."""
