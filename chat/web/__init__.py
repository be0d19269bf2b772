"""What every HTTP request passes, and what every page shares."""
