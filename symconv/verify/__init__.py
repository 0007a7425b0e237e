"""Oracles that share no code with what they judge, and their verdicts."""
