"""Text that people type, in one spelling: display names and e-mail addresses. Imports no model."""
