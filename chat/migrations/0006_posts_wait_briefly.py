"""Creates `chat_post` again: it gives up after 300 ms where somebody else holds a lock that it needs."""

from django.db import migrations

from chat.db import create_functions


class Migration(migrations.Migration):
    dependencies = [("chat", "0004_matching_presence")]

    operations = [create_functions("post", again=True)]
