"""Integer sets and relations; the only part that speaks isl."""
