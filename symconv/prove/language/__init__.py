"""From the text of a claim to a small core of words: grammar, names, libraries, and what the operator says."""
