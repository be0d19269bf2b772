"""The ledger, the gate, the operator's checklist, and what the duties record."""

import django.db.models.deletion
import django.utils.timezone
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("chat", "0001_accounts"),
    ]

    operations = [
        migrations.CreateModel(
            name="Actor",
            fields=[
                ("ref", models.CharField(max_length=16, primary_key=True, serialize=False, verbose_name="reference")),
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="account",
                    ),
                ),
                ("powers", models.JSONField(default=dict, verbose_name="powers as the ledger knows them")),
            ],
            options={
                "verbose_name": "person in the ledger",
                "verbose_name_plural": "people in the ledger",
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="LedgerEntry",
            fields=[
                ("seq", models.PositiveBigIntegerField(primary_key=True, serialize=False, verbose_name="number")),
                ("at", models.DateTimeField(verbose_name="at")),
                ("event", models.CharField(db_index=True, max_length=64, verbose_name="event")),
                (
                    "actor",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="compliance.actor",
                        verbose_name="who",
                    ),
                ),
                ("role", models.CharField(max_length=16, verbose_name="role at that time")),
                ("payload", models.JSONField(verbose_name="what")),
                ("law_version", models.CharField(max_length=32, verbose_name="law version")),
                ("previous_hash", models.CharField(max_length=64)),
                ("hash", models.CharField(max_length=64, unique=True)),
            ],
            options={
                "verbose_name": "ledger entry",
                "verbose_name_plural": "ledger",
                "ordering": ("seq",),
            },
        ),
        migrations.CreateModel(
            name="LedgerHead",
            fields=[
                ("id", models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("seq", models.PositiveBigIntegerField()),
                ("hash", models.CharField(max_length=64)),
            ],
            options={
                "default_permissions": (),
                "constraints": [models.CheckConstraint(condition=models.Q(("id", 1)), name="the_ledger_has_one_head")],
            },
        ),
        migrations.CreateModel(
            name="Signature",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("item_id", models.CharField(max_length=8, verbose_name="item")),
                ("evidence", models.JSONField(default=dict, verbose_name="evidence")),
                ("law_version", models.CharField(max_length=32, verbose_name="law version")),
                (
                    "signed_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="signed by",
                    ),
                ),
                ("signed_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="signed at")),
                ("expires_at", models.DateTimeField(blank=True, null=True, verbose_name="expires at")),
                (
                    "withdrawn_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="withdrawn by",
                    ),
                ),
                ("withdrawn_at", models.DateTimeField(blank=True, null=True, verbose_name="withdrawn at")),
                ("withdrawal_reason", models.TextField(blank=True, verbose_name="reason for withdrawing")),
            ],
            options={
                "verbose_name": "signature",
                "verbose_name_plural": "signatures",
                "ordering": ("item_id", "-signed_at"),
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("withdrawn_at__isnull", True)),
                        fields=("item_id",),
                        name="one_live_signature_per_item",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("withdrawal_reason", ""),
                                ("withdrawn_at__isnull", True),
                                ("withdrawn_by__isnull", True),
                            ),
                            models.Q(
                                ("withdrawn_at__isnull", False),
                                ("withdrawn_by__isnull", False),
                                models.Q(("withdrawal_reason", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="withdrawal_says_who_and_why",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Checklist",
            fields=[],
            options={
                "verbose_name": "operator’s checklist",
                "verbose_name_plural": "operator’s checklist",
                "permissions": (("sign_checklist", "Can sign and withdraw checklist items"),),
                "proxy": True,
                "default_permissions": ("view",),
            },
            bases=("compliance.signature",),
        ),
        migrations.CreateModel(
            name="Assessment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("answers", models.JSONField(default=dict, verbose_name="answers")),
                ("notes", models.JSONField(default=dict, verbose_name="why")),
                ("features", models.JSONField(default=dict, verbose_name="features as the code had them")),
                ("fingerprint", models.CharField(blank=True, max_length=64)),
                ("outcome", models.CharField(blank=True, max_length=24, verbose_name="verdict")),
                ("law_version", models.CharField(blank=True, max_length=32, verbose_name="law version")),
                (
                    "answered_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="answered by",
                    ),
                ),
                ("started_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="started at")),
                ("changed_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="changed at")),
                (
                    "signature",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="assessment",
                        to="compliance.signature",
                        verbose_name="signature",
                    ),
                ),
            ],
            options={
                "verbose_name": "assessment",
                "verbose_name_plural": "assessments",
                "ordering": ("-changed_at",),
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("signature__isnull", True)),
                        fields=("answered_by",),
                        name="one_draft_per_person",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("signature__isnull", True),
                            models.Q(
                                ("outcome", ""),
                                ("fingerprint", ""),
                                ("law_version", ""),
                                _connector="OR",
                                _negated=True,
                            ),
                            _connector="OR",
                        ),
                        name="a_recorded_assessment_is_whole",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Filing",
            fields=[
                ("id", models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("facts", models.JSONField(default=dict, verbose_name="facts")),
                (
                    "changed_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="changed by",
                    ),
                ),
                ("changed_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="changed at")),
            ],
            options={
                "verbose_name": "draft of the notification",
                "verbose_name_plural": "drafts of the notification",
                "default_permissions": (),
                "constraints": [models.CheckConstraint(condition=models.Q(("id", 1)), name="there_is_one_filing")],
            },
        ),
        migrations.CreateModel(
            name="Authorisation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("opened_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="opened at")),
                ("closed_at", models.DateTimeField(blank=True, null=True, verbose_name="closed at")),
                ("closed_because", models.JSONField(blank=True, null=True, verbose_name="why it closed")),
                ("snapshot", models.JSONField(verbose_name="facts at opening")),
                (
                    "continues",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="continued_by",
                        to="compliance.authorisation",
                        verbose_name="continues",
                    ),
                ),
            ],
            options={
                "verbose_name": "authorisation",
                "verbose_name_plural": "authorisations",
                "ordering": ("-opened_at",),
                "constraints": [
                    models.UniqueConstraint(fields=("continues",), name="a_period_is_continued_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("closed_at__isnull", True), ("closed_because__isnull", True)),
                            models.Q(("closed_at__isnull", False), ("closed_because__isnull", False)),
                            _connector="OR",
                        ),
                        name="a_closed_authorisation_says_why",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="GateState",
            fields=[
                ("id", models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("revision", models.UUIDField(default=uuid.uuid4)),
                (
                    "authorisation",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="compliance.authorisation",
                    ),
                ),
                ("stopped_at", models.DateTimeField(blank=True, null=True, verbose_name="stopped at")),
                (
                    "stopped_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="stopped by",
                    ),
                ),
                ("stop_reason", models.TextField(blank=True, verbose_name="reason for the stop")),
                ("ends_on", models.DateField(blank=True, null=True, verbose_name="day of the end")),
                ("end_announced_at", models.DateTimeField(blank=True, null=True, verbose_name="announced at")),
                (
                    "end_announced_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="announced by",
                    ),
                ),
                ("end_notice", models.JSONField(default=dict, verbose_name="notice to users")),
                ("end_reached_at", models.DateTimeField(blank=True, null=True, verbose_name="reached at")),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("id", 1)), name="the_gate_has_one_state"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("end_announced_at__isnull", True),
                                ("end_announced_by__isnull", True),
                                ("end_reached_at__isnull", True),
                                ("ends_on__isnull", True),
                            ),
                            models.Q(
                                ("end_announced_at__isnull", False),
                                ("end_announced_by__isnull", False),
                                ("ends_on__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="an_end_says_when_and_who",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("stop_reason", ""), ("stopped_at__isnull", True), ("stopped_by__isnull", True)),
                            models.Q(
                                ("stopped_at__isnull", False),
                                ("stopped_by__isnull", False),
                                models.Q(("stop_reason", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="a_stop_says_who_and_why",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Stop",
            fields=[],
            options={
                "verbose_name": "emergency stop",
                "verbose_name_plural": "emergency stop",
                "permissions": (("pull_stop", "Can pull and lift the emergency stop"),),
                "proxy": True,
                "default_permissions": ("view",),
            },
            bases=("compliance.gatestate",),
        ),
        migrations.CreateModel(
            name="Closing",
            fields=[],
            options={
                "verbose_name": "planned end",
                "verbose_name_plural": "planned end",
                "permissions": (("announce_end", "Can announce and withdraw a planned end"),),
                "proxy": True,
                "default_permissions": ("view",),
            },
            bases=("compliance.gatestate",),
        ),
        migrations.CreateModel(
            name="Instance",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("fingerprint", models.CharField(blank=True, max_length=64)),
                ("edition", models.CharField(blank=True, max_length=32)),
                ("started_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("seen_at", models.DateTimeField(db_index=True, default=django.utils.timezone.now)),
            ],
        ),
        migrations.CreateModel(
            name="Hold",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "scope",
                    models.CharField(
                        choices=[
                            ("everything", "everything"),
                            ("person", "one person’s records"),
                            ("room", "one room’s records"),
                        ],
                        max_length=12,
                        verbose_name="what is held",
                    ),
                ),
                ("subject", models.UUIDField(blank=True, null=True, verbose_name="whose, or which room (id)")),
                (
                    "ground",
                    models.CharField(
                        choices=[
                            ("freeze", "freeze request (Code of Criminal Procedure 197(3))"),
                            ("order", "court order not to erase"),
                            ("case", "a complaint or dispute under way"),
                        ],
                        max_length=8,
                        verbose_name="ground",
                    ),
                ),
                ("paper", models.TextField(verbose_name="paper: authority, number, date, what it names")),
                (
                    "placed_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="placed by",
                    ),
                ),
                ("placed_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="placed at")),
                ("ends_on", models.DateField(blank=True, null=True, verbose_name="last day")),
                (
                    "extended_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="extended by",
                    ),
                ),
                ("extended_at", models.DateTimeField(blank=True, null=True, verbose_name="extended at")),
                (
                    "extension_paper",
                    models.TextField(blank=True, verbose_name="paper of the extension: authority, number, date"),
                ),
                (
                    "lifted_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="lifted by",
                    ),
                ),
                ("lifted_at", models.DateTimeField(blank=True, null=True, verbose_name="lifted at")),
                ("lift_reason", models.TextField(blank=True, verbose_name="why it was lifted")),
            ],
            options={
                "verbose_name": "legal hold",
                "verbose_name_plural": "legal holds",
                "ordering": ("-placed_at",),
                "default_permissions": ("view", "add", "change"),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("scope", "everything"), ("subject__isnull", True)),
                            models.Q(("scope__in", ("person", "room")), ("subject__isnull", False)),
                            _connector="OR",
                        ),
                        name="a_hold_names_what_it_holds",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("ground", "order"), ("ends_on__isnull", False), _connector="OR"),
                        name="only_an_order_holds_without_end",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("extended_at__isnull", True), ("extended_by__isnull", True), ("extension_paper", "")
                            ),
                            models.Q(
                                ("extended_at__isnull", False),
                                ("extended_by__isnull", False),
                                ("ground", "freeze"),
                                models.Q(("extension_paper", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="only_a_freeze_is_extended_on_paper",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("ground", "freeze"), ("scope", "everything"), _negated=True),
                        name="a_freeze_names_what_it_keeps",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("lift_reason", ""), ("lifted_at__isnull", True), ("lifted_by__isnull", True)),
                            models.Q(
                                ("lifted_at__isnull", False),
                                ("lifted_by__isnull", False),
                                models.Q(("lift_reason", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="a_lifted_hold_says_who_and_why",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Happening",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=24, verbose_name="kind")),
                ("on", models.DateField(verbose_name="day")),
                ("attack", models.BooleanField(default=False, verbose_name="an attack may be behind it")),
                ("summary", models.TextField(verbose_name="what happened")),
                (
                    "recorded_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="recorded by",
                    ),
                ),
                ("recorded_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="recorded at")),
                ("void_because", models.TextField(blank=True, verbose_name="struck out because")),
            ],
            options={
                "verbose_name": "incident or change",
                "verbose_name_plural": "incidents and changes",
                "ordering": ("-on", "-id"),
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Calendar",
            fields=[],
            options={
                "verbose_name": "calendar of duties",
                "verbose_name_plural": "calendar of duties",
                "permissions": (("keep_calendar", "Can record incidents, changes and outages, and mark duties done"),),
                "proxy": True,
                "default_permissions": ("view",),
            },
            bases=("compliance.happening",),
        ),
        migrations.CreateModel(
            name="Outage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("started_at", models.DateTimeField(verbose_name="began")),
                ("ended_at", models.DateTimeField(blank=True, null=True, verbose_name="ended")),
                ("users", models.PositiveBigIntegerField(blank=True, null=True, verbose_name="users hit")),
                ("where", models.CharField(blank=True, max_length=16, verbose_name="what failed")),
                ("service", models.CharField(blank=True, max_length=16, verbose_name="kind of service")),
                ("add_on", models.BooleanField(default=False, verbose_name="only an add-on function")),
                ("cause", models.TextField(blank=True, verbose_name="cause")),
                (
                    "noticed_by",
                    models.CharField(
                        choices=[("person", "a person"), ("health", "health data")],
                        default="person",
                        max_length=8,
                        verbose_name="noticed by",
                    ),
                ),
                (
                    "recorded_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="recorded by",
                    ),
                ),
                ("recorded_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="recorded at")),
                ("void_because", models.TextField(blank=True, verbose_name="struck out because")),
            ],
            options={
                "verbose_name": "outage",
                "verbose_name_plural": "outages",
                "ordering": ("-started_at",),
                "default_permissions": (),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("ended_at__isnull", True), ("ended_at__gt", models.F("started_at")), _connector="OR"
                        ),
                        name="an_outage_ends_after_it_begins",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at__isnull", True), ("noticed_by", "health"), ("void_because", "")),
                        fields=("noticed_by",),
                        name="health_data_sees_one_outage_at_a_time",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="DutyMark",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("duty", models.CharField(max_length=80, unique=True, verbose_name="duty")),
                ("done_on", models.DateField(verbose_name="done on")),
                ("note", models.TextField(blank=True, verbose_name="what proves it")),
                (
                    "done_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="recorded by",
                    ),
                ),
                ("done_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="recorded at")),
            ],
            options={
                "verbose_name": "duty done",
                "verbose_name_plural": "duties done",
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Feed",
            fields=[
                (
                    "owner",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("token_hash", models.CharField(max_length=64, unique=True)),
                ("language", models.CharField(default="ja", max_length=2, verbose_name="language")),
                ("made_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="made at")),
            ],
            options={
                "verbose_name": "calendar feed",
                "verbose_name_plural": "calendar feeds",
                "default_permissions": (),
            },
        ),
    ]
