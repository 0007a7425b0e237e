"""What names of the code hold, and the arithmetic of its numbers and conditions."""
