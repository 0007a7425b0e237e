"""Claims about gradients, decided for all sizes: language, then meaning and numbers, then the decision and why."""
