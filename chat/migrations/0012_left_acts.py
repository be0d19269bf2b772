"""Acts that go on although the person erased their account. Adds only."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('chat', '0011_erasure'),
    ]

    operations = [
        migrations.CreateModel(
            name='LeftAct',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(editable=False)),
                ('digest', models.CharField(db_index=True, max_length=64)),
                ('kind', models.CharField(choices=[('warn', 'warning'), ('mute', 'mute'), ('suspend', 'suspension')], max_length=8)),
                ('rule', models.CharField(choices=[('harassment', 'Harassment'), ('sexual', 'Sexual words nobody asked for'), ('minor', 'A child or a young person is at risk'), ('threat', 'A threat, or danger to somebody'), ('fraud', 'Fraud, or a request for money'), ('personal_data', 'Somebody’s personal data'), ('spam', 'Advertising or spam'), ('dating', 'A search for a date'), ('illegal', 'Something else that is illegal'), ('other', 'Something else')], max_length=16)),
                ('by_role', models.CharField(max_length=6)),
                ('until', models.DateTimeField(null=True)),
                ('ends_at', models.DateTimeField(db_index=True)),
                ('room', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='chat.room')),
            ],
            options={
                'default_permissions': (),
                'constraints': [models.UniqueConstraint(fields=('public_id', 'digest'), name='an_act_is_left_once_an_address')],
            },
        ),
    ]
