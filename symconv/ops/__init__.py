"""The operators that come with symconv: forward formulas only."""
