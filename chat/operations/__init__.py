"""Health, metrics and the checks of a deployment."""
