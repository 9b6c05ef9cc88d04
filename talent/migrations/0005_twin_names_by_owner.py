from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('talent', '0004_what_runs'),
    ]

    operations = [
        migrations.AlterField(
            model_name='digitaltwin',
            name='name',
            field=models.CharField(max_length=200),
        ),
        migrations.AddConstraint(
            model_name='digitaltwin',
            constraint=models.UniqueConstraint(fields=('performer', 'name'), name='digital_twin_name_once_a_performer', violation_error_message='This performer has a twin of that name.'),
        ),
        migrations.AddConstraint(
            model_name='digitaltwin',
            constraint=models.UniqueConstraint(fields=('agency', 'name'), name='digital_twin_name_once_an_agency', violation_error_message='This agency has a persona of that name.'),
        ),
    ]
