"""What ended logins, written by triggers whoever changed it; the hub looks there instead of at everybody's login."""

from typing import Any

import django.utils.timezone
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

# An expired session that is cleared away ended before, and nobody is told of thousands of them at once.
POSTGRESQL = """
CREATE FUNCTION chat_session_ended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO chat_loginend (session, at) VALUES (OLD.session_key, clock_timestamp()); RETURN NULL; END $$;
CREATE FUNCTION chat_account_ended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO chat_loginend (session, person, at) VALUES ('', OLD.id, clock_timestamp()); RETURN NULL; END $$;
CREATE TRIGGER session_went AFTER DELETE ON django_session
FOR EACH ROW WHEN (OLD.expire_date > now()) EXECUTE FUNCTION chat_session_ended();
CREATE TRIGGER session_ends_sooner AFTER UPDATE OF expire_date ON django_session
FOR EACH ROW WHEN (NEW.expire_date < OLD.expire_date) EXECUTE FUNCTION chat_session_ended();
CREATE TRIGGER account_changed AFTER UPDATE OF password, is_active ON chat_user
FOR EACH ROW WHEN (NEW.password <> OLD.password OR NEW.is_active < OLD.is_active) EXECUTE FUNCTION chat_account_ended();
CREATE TRIGGER account_went AFTER DELETE ON chat_user FOR EACH ROW EXECUTE FUNCTION chat_account_ended();
"""


def create(apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
    if editor.connection.vendor == "postgresql":
        editor.execute(POSTGRESQL)


def drop(apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
    if editor.connection.vendor == "postgresql":
        editor.execute("DROP FUNCTION chat_session_ended() CASCADE; DROP FUNCTION chat_account_ended() CASCADE")


class Migration(migrations.Migration):

    dependencies = [
        ('chat', '0005_post'),
        ('sessions', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='LoginEnd',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('session', models.CharField(blank=True, max_length=40)),
                ('person', models.BigIntegerField(null=True)),
                ('at', models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                'indexes': [models.Index(fields=['at'], name='logins_that_ended_lately')],
            },
        ),
        migrations.RunPython(create, drop),
    ]
