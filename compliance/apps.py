"""Registers the compliance app, its system checks and its signals."""

import sys

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _

from compliance import vault


class ComplianceConfig(AppConfig):
    name = "compliance"
    verbose_name = _("Legal compliance")

    def ready(self) -> None:
        from compliance import checks, disclosures  # noqa: F401, PLC0415 -- registering needs the app registry
        from compliance.cases import pages as cases_pages  # noqa: PLC0415 -- registering needs the app registry
        from compliance.models import guards  # noqa: PLC0415 -- registering needs the app registry
        from compliance.powers import make_groups, pages  # noqa: PLC0415 -- registering needs the app registry
        from compliance.records import guards as record_guards  # noqa: PLC0415 -- registering needs the app registry
        from compliance.records import powers  # noqa: PLC0415 -- registering needs the app registry

        if sys.argv[1:2] == ["shell"]:
            vault.at_console()
        record_guards.declare_all()
        guards.connect(self)
        powers.connect()
        pages.register()
        cases_pages.register()
        disclosures.ready()
        post_migrate.connect(make_groups, sender=self, dispatch_uid="groups of staff")
