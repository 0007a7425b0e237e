"""Arrays of the code: the same operations on sums of terms, for all sizes, and on numbers, by code of their own."""
