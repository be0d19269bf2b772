"""What people chose for their pages, and in which browsers they are signed in. Adds only."""

import django.db.models.deletion
import django.utils.timezone
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0006_posts_wait_briefly"),
    ]

    operations = [
        migrations.CreateModel(
            name="Device",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("session", models.CharField(max_length=40, unique=True)),
                ("browser", models.CharField(blank=True, max_length=16)),
                ("system", models.CharField(blank=True, max_length=16)),
                ("since", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Preferences",
            fields=[
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("language", models.CharField(blank=True, default="", max_length=8)),
                ("theme", models.CharField(blank=True, default="", max_length=8)),
                ("text_size", models.CharField(blank=True, default="", max_length=8)),
                ("enter", models.CharField(blank=True, default="", max_length=8)),
                ("blocks_at", models.DateTimeField(null=True)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("blocks_at__isnull", False)),
                        fields=["blocks_at"],
                        name="who_blocked_lately",
                    )
                ],
            },
        ),
    ]
