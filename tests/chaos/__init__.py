"""Breaks what the service stands on, while people talk, and counts whether anything was lost, doubled or reordered."""
