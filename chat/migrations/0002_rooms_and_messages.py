"""Rooms and their logs, matching, sign-ups under way, and what limits remember."""

import chat.models.fields
import django.db.models.deletion
import django.utils.timezone
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("chat", "0001_accounts"),
        ("compliance", "0001_records"),
    ]

    operations = [
        migrations.CreateModel(
            name="PendingSignup",
            fields=[
                (
                    "guest",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("email", chat.models.fields.AddressField(max_length=254)),
                ("name", models.CharField(max_length=200)),
                ("password", models.CharField(max_length=128)),
                ("code", models.CharField(blank=True, max_length=64)),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                ("errand", models.TextField(blank=True)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
        ),
        migrations.CreateModel(
            name="Counter",
            fields=[
                ("key", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("value", models.TextField()),
                ("expires_at", models.DateTimeField(db_index=True)),
            ],
        ),
        migrations.CreateModel(
            name="LoginEnd",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("session", models.CharField(blank=True, max_length=40)),
                ("person", models.BigIntegerField(null=True)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "indexes": [models.Index(fields=["at"], name="logins_that_ended_lately")],
            },
        ),
        migrations.CreateModel(
            name="Room",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("slug", models.SlugField(blank=True, max_length=60, null=True, unique=True)),
                ("name", models.CharField(max_length=60, verbose_name="name")),
                ("description", models.CharField(blank=True, max_length=200, verbose_name="what it is about")),
                (
                    "kind",
                    models.CharField(
                        choices=[("open", "open room"), ("closed", "closed talk")],
                        default="open",
                        max_length=8,
                        verbose_name="kind",
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="created by",
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="created at")),
                ("anyone_may_read", models.BooleanField(default=True)),
                ("listed", models.BooleanField(default=True)),
                (
                    "entry",
                    models.CharField(
                        choices=[
                            ("anyone", "anyone"),
                            ("invitation", "invitation"),
                            ("approval", "approval"),
                            ("password", "password"),
                            ("link", "link"),
                            ("payment", "payment"),
                            ("pairing", "pairing"),
                        ],
                        default="anyone",
                        max_length=12,
                    ),
                ),
                ("designated_recipients", models.BooleanField(default=False)),
                (
                    "made_by",
                    models.CharField(
                        choices=[
                            ("person", "person"),
                            ("operator", "operator"),
                            ("pairing", "pairing"),
                            ("recruiting", "recruiting"),
                        ],
                        default="person",
                        max_length=12,
                    ),
                ),
                ("capacity_hides", models.BooleanField(default=False)),
                ("members_only_history", models.BooleanField(default=False)),
                ("feature", models.CharField(default="room.open", max_length=40)),
                (
                    "authorisation",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="rooms",
                        to="compliance.authorisation",
                    ),
                ),
                ("ended_at", models.DateTimeField(blank=True, null=True, verbose_name="ended at")),
                ("head", models.PositiveBigIntegerField(default=0)),
                ("last_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("revision", models.PositiveBigIntegerField(db_default=0, default=0, editable=False)),
            ],
            options={
                "verbose_name": "room",
                "verbose_name_plural": "rooms",
                "indexes": [
                    models.Index(
                        condition=models.Q(("kind", "open")), fields=["-last_at"], name="open_rooms_by_activity"
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("anyone_may_read", True),
                                ("capacity_hides", False),
                                ("designated_recipients", False),
                                ("entry", "anyone"),
                                ("kind", "open"),
                                ("listed", True),
                                ("made_by__in", ("person", "operator")),
                                ("members_only_history", False),
                            ),
                            models.Q(
                                ("kind", "closed"),
                                models.Q(
                                    ("anyone_may_read", False),
                                    ("listed", False),
                                    ("entry__in", ("invitation", "approval", "password", "link", "pairing")),
                                    ("designated_recipients", True),
                                    ("made_by__in", ("pairing", "recruiting")),
                                    ("capacity_hides", True),
                                    ("members_only_history", True),
                                    _connector="OR",
                                ),
                            ),
                            _connector="OR",
                        ),
                        name="kind_follows_from_traits",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("authorisation__isnull", True), ("feature", "room.open"), ("kind", "open")),
                            models.Q(
                                ("authorisation__isnull", False),
                                ("kind", "closed"),
                                models.Q(("feature", "room.open"), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="closed_means_authorised",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "open"), ("slug__isnull", False)),
                            models.Q(("kind", "closed"), ("slug__isnull", True)),
                            _connector="OR",
                        ),
                        name="open_rooms_have_a_slug",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ClosedRoomId",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Participant",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "room",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="participants",
                        to="chat.room",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="participations",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("joined_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("left_at", models.DateTimeField(blank=True, null=True)),
                ("seen", models.PositiveBigIntegerField(default=0)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("left_at__isnull", True)), fields=["user"], name="rooms_somebody_is_in"
                    )
                ],
                "constraints": [models.UniqueConstraint(fields=("room", "user"), name="one_place_per_person_and_room")],
            },
        ),
        migrations.CreateModel(
            name="Message",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "room_id", "seq", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "room",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="messages",
                        to="chat.room",
                    ),
                ),
                ("seq", models.PositiveBigIntegerField()),
                ("id", models.UUIDField(default=uuid.uuid4, editable=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[("message", "Message"), ("edit", "Edit"), ("delete", "Delete"), ("notice", "Notice")],
                        default="message",
                        max_length=8,
                    ),
                ),
                (
                    "author",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("author_name", models.CharField(max_length=200)),
                (
                    "author_role",
                    models.CharField(
                        blank=True,
                        choices=[("", "member"), ("guest", "guest"), ("keeper", "keeper"), ("staff", "staff")],
                        db_default="",
                        default="",
                        max_length=6,
                    ),
                ),
                ("client_id", models.UUIDField(null=True)),
                ("body", models.TextField(null=True)),
                ("sealed", models.BinaryField(null=True)),
                ("reply_to", models.PositiveBigIntegerField(null=True)),
                ("target", models.PositiveBigIntegerField(null=True)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("target__isnull", False)),
                        fields=["room", "target"],
                        name="what_changed_a_message",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("author", "room", "client_id"), name="a_client_id_is_stored_once"),
                    models.CheckConstraint(
                        condition=models.Q(("body__isnull", True), ("sealed__isnull", True), _connector="OR"),
                        name="words_are_plain_or_sealed",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("author_role__in", ["", "guest", "keeper", "staff"])),
                        name="author_role_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind__in", ("edit", "delete")), ("target__isnull", False)),
                            models.Q(("kind__in", ("message", "notice")), ("target__isnull", True)),
                            _connector="OR",
                        ),
                        name="edits_and_deletions_have_a_target",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Ticket",
            fields=[
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="ticket",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("topic", models.CharField(blank=True, max_length=40)),
                ("language", models.CharField(blank=True, max_length=8)),
                ("since", models.DateTimeField(default=django.utils.timezone.now)),
                ("heartbeat_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "room",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="chat.room",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("room__isnull", True)), fields=["since", "user"], name="who_waits_longest"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Pairing",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "lower",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "higher",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "room",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="pairing", to="chat.room"
                    ),
                ),
                ("made_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "indexes": [models.Index(fields=["lower", "higher", "-made_at"], name="when_two_people_last_met")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("lower__lt", models.F("higher"))), name="a_pair_is_written_one_way"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at__isnull", True)), fields=("lower",), name="one_live_talk_as_lower"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at__isnull", True)),
                        fields=("higher",),
                        name="one_live_talk_as_higher",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Block",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "blocker",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="blocks",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "blocked",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("blocker", "blocked"), name="one_block_per_pair"),
                    models.CheckConstraint(
                        condition=models.Q(("blocker", models.F("blocked")), _negated=True),
                        name="nobody_blocks_themselves",
                    ),
                ],
            },
        ),
    ]
