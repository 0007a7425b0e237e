"""A gradient at small sizes as a lesson: the terms of every cell with numbers, and the loops that compute it."""
