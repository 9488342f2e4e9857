"""Laws that are cut off, and bounds of what that changes."""
