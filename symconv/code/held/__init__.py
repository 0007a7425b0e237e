"""What is held while code is read, and what is done to it: names, arrays, the loops and conditions around."""
