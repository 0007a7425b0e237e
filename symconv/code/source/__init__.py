"""Text to functions, and what the text alone tells of names; nothing of it is executed."""
