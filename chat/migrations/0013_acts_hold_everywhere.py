"""PostgreSQL refuses what somebody writes who may not, also from a process of an earlier version. Adds only."""

from django.db import migrations

from chat.db import create_functions


class Migration(migrations.Migration):
    dependencies = [("chat", "0012_left_acts")]

    operations = [create_functions("may_write")]
