"""What is told of a decision: conditions as people say them, the likely cause, a repair."""
