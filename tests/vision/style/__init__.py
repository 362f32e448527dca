"""Style and texture."""
