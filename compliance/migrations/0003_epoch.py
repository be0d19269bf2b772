"""The epoch of the database, the restore that the operator has yet to confirm, and the beat of each process."""

from typing import Any

from django.db import migrations, models

import compliance.models.gate


def begin(apps: Any, editor: Any) -> None:
    """Name the epoch of a gate that is there already."""
    state = apps.get_model("compliance", "GateState")
    state.objects.filter(epoch="").update(epoch=compliance.models.gate.new_epoch())


class Migration(migrations.Migration):
    dependencies = [("compliance", "0002_gate_unmoved")]

    operations = [
        migrations.AddField(
            model_name="gatestate",
            name="epoch",
            field=models.CharField(db_default="", default=compliance.models.gate.new_epoch, max_length=32),
        ),
        migrations.AddField(
            model_name="gatestate",
            name="restored_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="restored at"),
        ),
        migrations.AddField(
            model_name="instance",
            name="beat",
            field=models.PositiveBigIntegerField(db_default=0, default=0),
        ),
        migrations.RunPython(begin, migrations.RunPython.noop),
    ]
