"""Registers the compliance app, its system checks and the pages of the admin that have a module of their own."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ComplianceConfig(AppConfig):
    name = "compliance"
    verbose_name = _("Legal compliance")

    def ready(self) -> None:
        from compliance import checks, desk  # noqa: F401, PLC0415 -- registering needs the app registry
