"""Where a wrong gradient goes wrong: the line, its repair, kinks."""
