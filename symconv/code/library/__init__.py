"""What the words of libraries do, said once for both kinds of arrays."""
