"""Tells the checklist on which page people get and erase their own data."""

from __future__ import annotations

from compliance import checklist
from compliance.law import Text

checklist.register_page(
    "LAW-21", "chat:account", Text("本人のデータ（会員のページ）", "One’s own data (a member’s page)")
)
