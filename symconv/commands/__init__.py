"""What the commands do, one small module each; a module is imported when its command runs."""
