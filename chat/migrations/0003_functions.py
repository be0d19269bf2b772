"""The functions and triggers of PostgreSQL, and what the database holds of allauth's table beyond allauth's own model."""

from django.db import migrations

from chat.db import create_functions

UNIQUE = {
    "one_owner_per_confirmed_address": "account_emailaddress (lower(email)) WHERE verified",
    "one_row_per_person_and_address": "account_emailaddress (user_id, lower(email))",
}


class Migration(migrations.Migration):
    dependencies = [
        ("account", "0009_emailaddress_unique_primary_email"),
        ("chat", "0002_rooms_and_messages"),
        ("compliance", "0002_gate_unmoved"),
        ("sessions", "0001_initial"),
    ]

    operations = [
        create_functions("post"),
        create_functions("login_ends"),
        create_functions("room_access"),
        *(
            migrations.RunSQL(f"CREATE UNIQUE INDEX {name} ON {columns}", f"DROP INDEX {name}")
            for name, columns in UNIQUE.items()
        ),
    ]
