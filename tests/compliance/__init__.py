"""The law and its gate."""
