"""What a user states: formulas in index notation, and the operators they become."""
