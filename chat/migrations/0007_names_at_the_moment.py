"""Messages carry the name of the moment, and their client's own spelling of its id. Adds only."""

from django.db import migrations, models

from chat.db import create_functions


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0003_functions"),
    ]

    operations = [
        migrations.AddField(
            model_name="message",
            name="client_id_written",
            field=models.CharField(max_length=36, null=True),
        ),
        create_functions("post", again=True),
        create_functions("login_ends", again=True),
    ]
