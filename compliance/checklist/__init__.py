"""The operator's checklist (運営者チェックリスト) in the admin. No other package imports it."""

from compliance.checklist.shown import register_page

__all__ = ["register_page"]
