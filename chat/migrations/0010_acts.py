"""Acts on people and words, appeals, keepers, and who may write in an open room. Adds only."""

import django.db.models.deletion
import django.utils.timezone
import uuid
from django.conf import settings
from django.db import migrations, models

from chat.db import create_functions


class Migration(migrations.Migration):

    dependencies = [
        ('chat', '0009_reports'),
    ]

    operations = [
        migrations.AddField(
            model_name='message',
            name='by',
            field=models.CharField(blank=True, db_default='', default='', max_length=6),
        ),
        migrations.AddField(
            model_name='room',
            name='announce_only',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name='room',
            name='archived_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='room',
            name='members_only',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name='room',
            name='slow_seconds',
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='user',
            name='has_unread_act',
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
        migrations.AddField(
            model_name='user',
            name='muted_until',
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.CreateModel(
            name='Sanction',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('kind', models.CharField(choices=[('warn', 'warning'), ('mute', 'mute'), ('suspend', 'suspension')], max_length=8)),
                ('reason', models.CharField(max_length=500)),
                ('rule', models.CharField(choices=[('harassment', 'Harassment'), ('sexual', 'Sexual words nobody asked for'), ('minor', 'A child or a young person is at risk'), ('threat', 'A threat, or danger to somebody'), ('fraud', 'Fraud, or a request for money'), ('personal_data', 'Somebody’s personal data'), ('spam', 'Advertising or spam'), ('dating', 'A search for a date'), ('illegal', 'Something else that is illegal'), ('other', 'Something else')], max_length=16)),
                ('at', models.DateTimeField(default=django.utils.timezone.now)),
                ('until', models.DateTimeField(blank=True, null=True)),
                ('by_role', models.CharField(max_length=6)),
                ('seen_at', models.DateTimeField(blank=True, null=True)),
                ('lifted_at', models.DateTimeField(blank=True, null=True)),
                ('changed_at', models.DateTimeField(db_index=True, default=django.utils.timezone.now)),
                ('by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('lifted_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('room', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='chat.room')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='sanctions', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='AddressMute',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('digest', models.CharField(db_index=True, max_length=32)),
                ('first_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('until', models.DateTimeField(db_index=True)),
                ('sanction', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='chat.sanction')),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='Keeper',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(default=django.utils.timezone.now)),
                ('named_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('room', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='keepers', to='chat.room')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='RemovedMessage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('seq', models.PositiveBigIntegerField()),
                ('sealed', models.BinaryField(null=True)),
                ('by_role', models.CharField(max_length=6)),
                ('reason', models.CharField(max_length=500)),
                ('at', models.DateTimeField(db_index=True, default=django.utils.timezone.now)),
                ('author', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('room', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='chat.room')),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='Appeal',
            fields=[
                ('sanction', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='appeal', serialize=False, to='chat.sanction')),
                ('words', models.TextField()),
                ('at', models.DateTimeField(default=django.utils.timezone.now)),
                ('outcome', models.CharField(blank=True, choices=[('upheld', 'the act stands'), ('lifted', 'the act is lifted')], default='', max_length=8)),
                ('note', models.CharField(blank=True, max_length=500)),
                ('decided_at', models.DateTimeField(blank=True, null=True)),
                ('decided_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.AddConstraint(
            model_name='sanction',
            constraint=models.CheckConstraint(condition=models.Q(('room__isnull', True), ('kind__in', ('warn', 'mute')), _connector='OR'), name='only_mutes_are_of_one_room'),
        ),
        migrations.AddConstraint(
            model_name='sanction',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind', 'warn'), _negated=True), ('until__isnull', True), _connector='OR'), name='a_warning_has_no_end'),
        ),
        migrations.AddConstraint(
            model_name='addressmute',
            constraint=models.UniqueConstraint(fields=('sanction', 'digest'), name='one_mute_per_act_and_network'),
        ),
        migrations.AddConstraint(
            model_name='keeper',
            constraint=models.UniqueConstraint(fields=('room', 'user'), name='one_keeper_per_room_and_person'),
        ),
        migrations.AddConstraint(
            model_name='removedmessage',
            constraint=models.UniqueConstraint(fields=('room', 'seq'), name='a_message_is_removed_once'),
        ),
        migrations.AddIndex(
            model_name='appeal',
            index=models.Index(condition=models.Q(('outcome', '')), fields=['at'], name='appeals_that_wait'),
        ),
        create_functions('post', again=True),
    ]
