"""The ledger and what it proves."""
