"""The operator's checklist (運営者チェックリスト) in the admin. No other package imports it."""
