"""Where Django finds the admin's pages; each capability has its own admin module."""

from django.contrib import admin

from compliance.checklist import admin as checklist
from compliance.discontinuation import admin as discontinuation
from compliance.duties import admin as duties
from compliance.gate import admin as gate
from compliance.records import admin as records

__all__ = ["checklist", "discontinuation", "duties", "gate", "records"]

# Rows are deleted one by one, each with its own confirmation.
admin.site.disable_action("delete_selected")
