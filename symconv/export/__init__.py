"""A layer as a package to take away, which needs nothing of symconv."""
