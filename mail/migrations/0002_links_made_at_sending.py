from django.db import migrations, models

from common.tenancy import guard, refuse


class Migration(migrations.Migration):
    dependencies = [
        ("mail", "0001_outgoing_email_held_batches_suppressed_addresses"),
    ]

    operations = [
        migrations.AddField(
            model_name="outgoingemail",
            name="link_purpose",
            field=models.CharField(blank=True, db_default="", default="", max_length=60),
        ),
        migrations.AddField(
            model_name="outgoingemail",
            name="link_row",
            field=models.UUIDField(null=True),
        ),
        migrations.AddField(
            model_name="outgoingemail",
            name="link_marker",
            field=models.CharField(blank=True, db_default="", default="", max_length=40),
        ),
        migrations.AddConstraint(
            model_name="outgoingemail",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("link_marker", ""), ("link_purpose", ""), ("link_row__isnull", True)),
                    models.Q(
                        models.Q(("link_purpose", ""), _negated=True),
                        ("link_row__isnull", False),
                        models.Q(("link_marker", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="email_link_is_whole",
            ),
        ),
        guard(
            "mail_outgoingemail",
            "link_is_frozen",
            when="BEFORE UPDATE OF link_purpose, link_row, link_marker",
            body=refuse("'what an email says does not change once it is queued'"),
        ),
    ]
