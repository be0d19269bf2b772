"""Where Django finds the admin's pages; each capability has its own admin module."""

from django.contrib import admin
from django.contrib.auth.models import Group

from compliance.checklist import admin as checklist
from compliance.discontinuation import admin as discontinuation
from compliance.duties import admin as duties
from compliance.gate import admin as gate
from compliance.records import admin as records

__all__ = ["checklist", "discontinuation", "duties", "gate", "records"]

# The groups of staff and what they may is a table of the law; who is in them is given at the desk, by two persons.
admin.site.unregister(Group)

# Rows are deleted one by one, each with its own confirmation.
admin.site.disable_action("delete_selected")
