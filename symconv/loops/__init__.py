"""The loop IR: lowering, directives, validation and an interpreter."""
