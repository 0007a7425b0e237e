"""Formulas for paper: broken to a stated width, as fragments and as a handout."""
