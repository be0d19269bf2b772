from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("compliance", "0007_invitations")]

    operations = [
        migrations.AddField(
            model_name="case",
            name="language",
            field=models.CharField(db_default="ja", default="ja", max_length=2),
        ),
    ]
