import django.contrib.postgres.constraints
import django.contrib.postgres.fields
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
import django.db.models.functions.text
import django.utils.timezone
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.contrib.postgres.operations import BtreeGistExtension
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
        ('pghistory', '0007_auto_20250421_0444'),
    ]

    operations = [
        # Exclusion constraints on a text or number beside a range.
        BtreeGistExtension(),
        migrations.CreateModel(
            name='AgencyEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('name', models.CharField(max_length=200)),
                ('slug', models.SlugField(db_index=False)),
                ('isni', models.CharField(blank=True, max_length=16, verbose_name='ISNI')),
                ('address', models.TextField(blank=True)),
                ('country', models.CharField(max_length=2)),
                ('time_zone', models.CharField(default='UTC', max_length=64)),
                ('statement_period', models.CharField(choices=[('month', 'Month'), ('quarter', 'Quarter'), ('year', 'Year')], default='quarter', max_length=32)),
                ('payment_days', models.PositiveSmallIntegerField(default=60, help_text="Days after a period's end by which its statement is payable.")),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Beneficiary',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=200)),
                ('address', models.TextField(blank=True)),
            ],
            options={
                'verbose_name_plural': 'beneficiaries',
            },
        ),
        migrations.CreateModel(
            name='BeneficiaryEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('name', models.CharField(max_length=200)),
                ('address', models.TextField(blank=True)),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Build',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('version', models.CharField(max_length=50)),
                ('sha256', models.CharField(blank=True, max_length=64, verbose_name='SHA-256')),
                ('built_on', models.DateField()),
                ('gpu_hours', models.DecimalField(decimal_places=2, default=0, max_digits=12)),
                ('training_cost', models.DecimalField(decimal_places=4, default=0, max_digits=20)),
                ('training_cost_currency', models.CharField(default='USD', max_length=3)),
                ('retired_on', models.DateField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name='BuildEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('version', models.CharField(max_length=50)),
                ('sha256', models.CharField(blank=True, max_length=64, verbose_name='SHA-256')),
                ('built_on', models.DateField()),
                ('gpu_hours', models.DecimalField(decimal_places=2, default=0, max_digits=12)),
                ('training_cost', models.DecimalField(decimal_places=4, default=0, max_digits=20)),
                ('training_cost_currency', models.CharField(default='USD', max_length=3)),
                ('retired_on', models.DateField(blank=True, null=True)),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='CompositeSource',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('weight', models.DecimalField(decimal_places=6, max_digits=12)),
            ],
        ),
        migrations.CreateModel(
            name='CompositeSourceEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('weight', models.DecimalField(decimal_places=6, max_digits=12)),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='ConsentCell',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('right', models.CharField(choices=[('face', 'Face'), ('body', 'Body'), ('voice', 'Voice'), ('motion', 'Motion'), ('performance_style', 'Performance style'), ('training_data', 'Training data'), ('composite', 'Composite')], max_length=32)),
                ('use', models.CharField(choices=[('feature', 'Feature'), ('series', 'Series'), ('animation', 'Animation'), ('dubbing', 'Dubbing'), ('adr', 'ADR'), ('stunt', 'Stunt'), ('background', 'Background'), ('game', 'Game'), ('interactive_promo', 'Interactive promo'), ('advertising', 'Advertising'), ('immersive', 'Immersive'), ('social', 'Social'), ('live', 'Live'), ('age_change', 'Age regression or progression'), ('reality', 'Reality'), ('posthumous_completion', 'Posthumous completion'), ('training', 'Training')], max_length=32)),
                ('stance', models.CharField(choices=[('allow', 'Allow'), ('ask', 'Ask'), ('deny', 'Deny')], max_length=32)),
                ('territories', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=64), blank=True, null=True, size=None)),
                ('languages', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=64), blank=True, null=True, size=None)),
                ('licensees_allowed', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=64), blank=True, null=True, size=None)),
                ('licensees_excluded', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=64), blank=True, default=list, size=None)),
                ('valid_from', models.DateTimeField(blank=True, null=True)),
                ('valid_to', models.DateTimeField(blank=True, null=True)),
                ('notice_hours', models.PositiveIntegerField(blank=True, null=True)),
                ('exclusions', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('nudity', 'Nudity'), ('sexual', 'Sexual content'), ('political', 'Political content'), ('tobacco', 'Tobacco'), ('gambling', 'Gambling'), ('violence', 'Violence'), ('hate', 'Hate'), ('religion', 'Religion'), ('competitor', 'Competitor')], max_length=32), blank=True, default=list, size=None)),
                ('real_time', models.BooleanField(blank=True, null=True)),
                ('maximum_hours', models.DecimalField(blank=True, decimal_places=2, max_digits=12, null=True)),
                ('overrules_agency', models.BooleanField(default=False, help_text="The performer sets the agency's default aside, on the record.")),
            ],
        ),
        migrations.CreateModel(
            name='ConsentMatrix',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('guild', models.CharField(blank=True, choices=[('sag_aftra', 'SAG-AFTRA'), ('equity_uk', 'Equity UK'), ('none', 'No guild')], max_length=32)),
            ],
            options={
                'verbose_name_plural': 'consent matrices',
            },
        ),
        migrations.CreateModel(
            name='ConsentMatrixEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('guild', models.CharField(blank=True, choices=[('sag_aftra', 'SAG-AFTRA'), ('equity_uk', 'Equity UK'), ('none', 'No guild')], max_length=32)),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='ConsentVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('in_force_from', models.DateTimeField()),
                ('recorded_at', models.DateTimeField()),
                ('text_shown', models.TextField()),
                ('text_sha256', models.CharField(max_length=64, verbose_name='SHA-256 of the text')),
                ('method', models.CharField(choices=[('written', 'Signed on paper'), ('electronic', 'Signed electronically'), ('rule', 'Set by a rule')], max_length=32)),
                ('represented_by', models.CharField(choices=[('counsel', 'Legal counsel'), ('union', 'Union agreement'), ('none', 'Nobody')], default='none', max_length=32)),
                ('representative', models.CharField(blank=True, max_length=200)),
                ('signed_on', models.DateField(blank=True, null=True)),
                ('reason', models.CharField(blank=True, max_length=500)),
            ],
        ),
        migrations.CreateModel(
            name='Delegation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('estate', 'Estate'), ('guardian', 'Guardian'), ('counsel', 'Counsel')], max_length=32)),
                ('powers', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('see_twins', 'See twins and consent'), ('see_usage', 'See usage'), ('see_money', 'See earnings and statements'), ('decide', 'Approve, veto and change consent')], max_length=32), size=None)),
                ('authority', models.CharField(blank=True, help_text='The document the authority rests on.', max_length=200)),
                ('starts_on', models.DateField()),
                ('ends_on', models.DateField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name='DelegationEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('kind', models.CharField(choices=[('estate', 'Estate'), ('guardian', 'Guardian'), ('counsel', 'Counsel')], max_length=32)),
                ('powers', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('see_twins', 'See twins and consent'), ('see_usage', 'See usage'), ('see_money', 'See earnings and statements'), ('decide', 'Approve, veto and change consent')], max_length=32), size=None)),
                ('authority', models.CharField(blank=True, help_text='The document the authority rests on.', max_length=200)),
                ('starts_on', models.DateField()),
                ('ends_on', models.DateField(blank=True, null=True)),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='DigitalTwin',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=200, unique=True)),
                ('tier', models.CharField(choices=[('passive_static_replica', 'Passive static replica'), ('dynamic_behavioral_emulator', 'Dynamic behavioral emulator'), ('autonomous_generative_persona', 'Autonomous generative persona')], max_length=32)),
                ('legal_class', models.CharField(choices=[('employment_based', 'Employment-based replica'), ('independently_created', 'Independently created replica'), ('background', 'Background actor replica'), ('synthetic', 'Synthetic performer')], max_length=32)),
                ('status', models.CharField(choices=[('active', 'Active'), ('suspended', 'Suspended'), ('retired', 'Retired')], default='active', max_length=32)),
                ('hand_id', models.CharField(blank=True, max_length=40, verbose_name='HAND ID')),
                ('capture_method', models.CharField(blank=True, choices=[('scan', 'Scan'), ('photography', 'On-set photography'), ('archive', 'Archive material')], max_length=32)),
                ('captured_on', models.DateField(blank=True, null=True)),
                ('training_hours', models.DecimalField(blank=True, decimal_places=2, help_text='Hours of performance an emulator was trained on.', max_digits=10, null=True)),
                ('union_notice_on', models.DateField(blank=True, help_text='When the union was told of a synthetic performer.', null=True)),
                ('union_notice_reference', models.CharField(blank=True, max_length=100)),
            ],
        ),
        migrations.CreateModel(
            name='DigitalTwinEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('name', models.CharField(max_length=200)),
                ('tier', models.CharField(choices=[('passive_static_replica', 'Passive static replica'), ('dynamic_behavioral_emulator', 'Dynamic behavioral emulator'), ('autonomous_generative_persona', 'Autonomous generative persona')], max_length=32)),
                ('legal_class', models.CharField(choices=[('employment_based', 'Employment-based replica'), ('independently_created', 'Independently created replica'), ('background', 'Background actor replica'), ('synthetic', 'Synthetic performer')], max_length=32)),
                ('status', models.CharField(choices=[('active', 'Active'), ('suspended', 'Suspended'), ('retired', 'Retired')], default='active', max_length=32)),
                ('hand_id', models.CharField(blank=True, max_length=40, verbose_name='HAND ID')),
                ('capture_method', models.CharField(blank=True, choices=[('scan', 'Scan'), ('photography', 'On-set photography'), ('archive', 'Archive material')], max_length=32)),
                ('captured_on', models.DateField(blank=True, null=True)),
                ('training_hours', models.DecimalField(blank=True, decimal_places=2, help_text='Hours of performance an emulator was trained on.', max_digits=10, null=True)),
                ('union_notice_on', models.DateField(blank=True, help_text='When the union was told of a synthetic performer.', null=True)),
                ('union_notice_reference', models.CharField(blank=True, max_length=100)),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='EstateShare',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('weight', models.DecimalField(decimal_places=6, max_digits=12)),
            ],
        ),
        migrations.CreateModel(
            name='EstateShareEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('weight', models.DecimalField(decimal_places=6, max_digits=12)),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Membership',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('role', models.CharField(choices=[('agent', 'Agent'), ('business_affairs', 'Business affairs'), ('accounting', 'Accounting'), ('auditor', 'Auditor (read only)')], max_length=32)),
                ('starts_on', models.DateField()),
                ('ends_on', models.DateField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name='MembershipEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('role', models.CharField(choices=[('agent', 'Agent'), ('business_affairs', 'Business affairs'), ('accounting', 'Accounting'), ('auditor', 'Auditor (read only)')], max_length=32)),
                ('starts_on', models.DateField()),
                ('ends_on', models.DateField(blank=True, null=True)),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='OutboxMessage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('recipient', models.EmailField(max_length=254)),
                ('subject', models.CharField(max_length=200)),
                ('body', models.TextField()),
                ('status', models.CharField(choices=[('waiting', 'Waiting'), ('sent', 'Sent'), ('failed', 'Failed')], default='waiting', max_length=32)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('created_at', models.DateTimeField()),
                ('next_attempt_at', models.DateTimeField()),
                ('sent_at', models.DateTimeField(blank=True, null=True)),
                ('last_error', models.CharField(blank=True, max_length=200)),
            ],
        ),
        migrations.CreateModel(
            name='Performer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=200, verbose_name='professional name')),
                ('legal_name', models.CharField(blank=True, max_length=200)),
                ('life', models.CharField(choices=[('living', 'Living'), ('deceased', 'Deceased'), ('minor', 'Minor')], default='living', max_length=32)),
                ('guild', models.CharField(choices=[('sag_aftra', 'SAG-AFTRA'), ('equity_uk', 'Equity UK'), ('none', 'No guild')], default='none', max_length=32)),
                ('guild_number', models.CharField(blank=True, max_length=32)),
                ('born_on', models.DateField(blank=True, null=True)),
                ('died_on', models.DateField(blank=True, null=True)),
                ('domicile', models.CharField(blank=True, help_text='ISO 3166 country or subdivision; at death if deceased.', max_length=6)),
                ('isni', models.CharField(blank=True, max_length=16, verbose_name='ISNI')),
                ('hand_id', models.CharField(blank=True, max_length=40, verbose_name='HAND ID')),
                ('external_ids', models.JSONField(blank=True, default=dict)),
            ],
        ),
        migrations.CreateModel(
            name='PerformerEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('name', models.CharField(max_length=200, verbose_name='professional name')),
                ('legal_name', models.CharField(blank=True, max_length=200)),
                ('life', models.CharField(choices=[('living', 'Living'), ('deceased', 'Deceased'), ('minor', 'Minor')], default='living', max_length=32)),
                ('guild', models.CharField(choices=[('sag_aftra', 'SAG-AFTRA'), ('equity_uk', 'Equity UK'), ('none', 'No guild')], default='none', max_length=32)),
                ('guild_number', models.CharField(blank=True, max_length=32)),
                ('born_on', models.DateField(blank=True, null=True)),
                ('died_on', models.DateField(blank=True, null=True)),
                ('domicile', models.CharField(blank=True, help_text='ISO 3166 country or subdivision; at death if deceased.', max_length=6)),
                ('isni', models.CharField(blank=True, max_length=16, verbose_name='ISNI')),
                ('hand_id', models.CharField(blank=True, max_length=40, verbose_name='HAND ID')),
                ('external_ids', models.JSONField(blank=True, default=dict)),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Provider',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=200, unique=True)),
                ('website', models.URLField(blank=True)),
            ],
        ),
        migrations.CreateModel(
            name='Representation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('commission_percent', models.DecimalField(decimal_places=3, max_digits=6)),
                ('starts_on', models.DateField()),
                ('ends_on', models.DateField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name='RepresentationEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('commission_percent', models.DecimalField(decimal_places=3, max_digits=6)),
                ('starts_on', models.DateField()),
                ('ends_on', models.DateField(blank=True, null=True)),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='TaxCertificate',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('form', models.CharField(choices=[('w9', 'W-9'), ('w8ben', 'W-8BEN'), ('w8ben_e', 'W-8BEN-E'), ('none', 'None on file')], max_length=32)),
                ('residence', models.CharField(max_length=2)),
                ('withholding_percent', models.DecimalField(decimal_places=3, default=0, max_digits=6)),
                ('rate_source', models.CharField(help_text='Where the rate comes from: form, statute or treaty article.', max_length=200)),
                ('signed_on', models.DateField()),
                ('expires_on', models.DateField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name='TaxCertificateEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('form', models.CharField(choices=[('w9', 'W-9'), ('w8ben', 'W-8BEN'), ('w8ben_e', 'W-8BEN-E'), ('none', 'None on file')], max_length=32)),
                ('residence', models.CharField(max_length=2)),
                ('withholding_percent', models.DecimalField(decimal_places=3, default=0, max_digits=6)),
                ('rate_source', models.CharField(help_text='Where the rate comes from: form, statute or treaty article.', max_length=200)),
                ('signed_on', models.DateField()),
                ('expires_on', models.DateField(blank=True, null=True)),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='User',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('password', models.CharField(max_length=128, verbose_name='password')),
                ('last_login', models.DateTimeField(blank=True, null=True, verbose_name='last login')),
                ('is_superuser', models.BooleanField(default=False, help_text='Designates that this user has all permissions without explicitly assigning them.', verbose_name='superuser status')),
                ('first_name', models.CharField(blank=True, max_length=150, verbose_name='first name')),
                ('last_name', models.CharField(blank=True, max_length=150, verbose_name='last name')),
                ('is_staff', models.BooleanField(default=False, help_text='Designates whether the user can log into this admin site.', verbose_name='staff status')),
                ('is_active', models.BooleanField(default=True, help_text='Designates whether this user should be treated as active. Unselect this instead of deleting accounts.', verbose_name='active')),
                ('date_joined', models.DateTimeField(default=django.utils.timezone.now, verbose_name='date joined')),
                ('email', models.EmailField(max_length=254, unique=True, verbose_name='email address')),
                ('locale', models.CharField(blank=True, help_text="Empty: the browser's.", max_length=16)),
                ('time_zone', models.CharField(default='UTC', max_length=64)),
                ('groups', models.ManyToManyField(blank=True, help_text='The groups this user belongs to. A user will get all permissions granted to each of their groups.', related_name='user_set', related_query_name='user', to='auth.group', verbose_name='groups')),
                ('user_permissions', models.ManyToManyField(blank=True, help_text='Specific permissions for this user.', related_name='user_set', related_query_name='user', to='auth.permission', verbose_name='user permissions')),
            ],
        ),
        migrations.CreateModel(
            name='Agency',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=200, unique=True)),
                ('slug', models.SlugField(unique=True)),
                ('isni', models.CharField(blank=True, max_length=16, verbose_name='ISNI')),
                ('address', models.TextField(blank=True)),
                ('country', models.CharField(max_length=2)),
                ('time_zone', models.CharField(default='UTC', max_length=64)),
                ('statement_period', models.CharField(choices=[('month', 'Month'), ('quarter', 'Quarter'), ('year', 'Year')], default='quarter', max_length=32)),
                ('payment_days', models.PositiveSmallIntegerField(default=60, help_text="Days after a period's end by which its statement is payable.")),
            ],
            options={
                'verbose_name_plural': 'agencies',
                'constraints': [models.CheckConstraint(condition=models.Q(('statement_period__in', ['month', 'quarter', 'year'])), name='agency_statement_period_is_known')],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='agency',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "talent_agencyevent" ("address", "country", "id", "isni", "name", "payment_days", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "slug", "statement_period", "time_zone") VALUES (NEW."address", NEW."country", NEW."id", NEW."isni", NEW."name", NEW."payment_days", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."slug", NEW."statement_period", NEW."time_zone"); RETURN NULL;', hash='a6018f0d37a89066b8bfff12a4af8d17c053badc', operation='INSERT', pgid='pgtrigger_insert_insert_1d50b', table='talent_agency', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='agency',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "talent_agencyevent" ("address", "country", "id", "isni", "name", "payment_days", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "slug", "statement_period", "time_zone") VALUES (NEW."address", NEW."country", NEW."id", NEW."isni", NEW."name", NEW."payment_days", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."slug", NEW."statement_period", NEW."time_zone"); RETURN NULL;', hash='882c7edcc36e2b010c38567f6eb367cc313f7641', operation='UPDATE', pgid='pgtrigger_update_update_5c3b0', table='talent_agency', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='agency',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "talent_agencyevent" ("address", "country", "id", "isni", "name", "payment_days", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "slug", "statement_period", "time_zone") VALUES (OLD."address", OLD."country", OLD."id", OLD."isni", OLD."name", OLD."payment_days", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."slug", OLD."statement_period", OLD."time_zone"); RETURN NULL;', hash='eeb61107287b4c49e4af18ce69e3f3f4c6e1d72e', operation='DELETE', pgid='pgtrigger_delete_delete_4b642', table='talent_agency', when='AFTER')),
        ),
        migrations.AddField(
            model_name='agencyevent',
            name='pgh_context',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context'),
        ),
        migrations.AddField(
            model_name='agencyevent',
            name='pgh_obj',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='talent.agency'),
        ),
        migrations.AddField(
            model_name='beneficiary',
            name='agency',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='beneficiaries', to='talent.agency'),
        ),
        migrations.AddField(
            model_name='beneficiary',
            name='user',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='beneficiaries', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='beneficiaryevent',
            name='agency',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='talent.agency'),
        ),
        migrations.AddField(
            model_name='beneficiaryevent',
            name='pgh_context',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context'),
        ),
        migrations.AddField(
            model_name='beneficiaryevent',
            name='pgh_obj',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='talent.beneficiary'),
        ),
        migrations.AddField(
            model_name='beneficiaryevent',
            name='user',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='buildevent',
            name='pgh_context',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context'),
        ),
        migrations.AddField(
            model_name='buildevent',
            name='pgh_obj',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='talent.build'),
        ),
        migrations.AddField(
            model_name='compositesourceevent',
            name='pgh_context',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context'),
        ),
        migrations.AddField(
            model_name='compositesourceevent',
            name='pgh_obj',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='talent.compositesource'),
        ),
        migrations.AddField(
            model_name='consentmatrix',
            name='agency',
            field=models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='consent_matrix', to='talent.agency'),
        ),
        migrations.AddField(
            model_name='consentmatrixevent',
            name='agency',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='talent.agency'),
        ),
        migrations.AddField(
            model_name='consentmatrixevent',
            name='pgh_context',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context'),
        ),
        migrations.AddField(
            model_name='consentmatrixevent',
            name='pgh_obj',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='talent.consentmatrix'),
        ),
        migrations.AddField(
            model_name='consentversion',
            name='matrix',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='versions', to='talent.consentmatrix'),
        ),
        migrations.AddField(
            model_name='consentversion',
            name='recorded_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='consentcell',
            name='version',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='cells', to='talent.consentversion'),
        ),
        migrations.AddField(
            model_name='delegation',
            name='user',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='delegations', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='delegationevent',
            name='pgh_context',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context'),
        ),
        migrations.AddField(
            model_name='delegationevent',
            name='pgh_obj',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='talent.delegation'),
        ),
        migrations.AddField(
            model_name='delegationevent',
            name='user',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='digitaltwin',
            name='agency',
            field=models.ForeignKey(blank=True, help_text="Keeps a persona that is nobody's replica.", null=True, on_delete=django.db.models.deletion.PROTECT, related_name='personas', to='talent.agency'),
        ),
        migrations.AddField(
            model_name='digitaltwin',
            name='owner',
            field=models.ForeignKey(blank=True, help_text='Is paid for a persona without human sources.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='personas', to='talent.beneficiary'),
        ),
        migrations.AddField(
            model_name='consentmatrixevent',
            name='twin',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='talent.digitaltwin'),
        ),
        migrations.AddField(
            model_name='consentmatrix',
            name='twin',
            field=models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='consent_matrix', to='talent.digitaltwin'),
        ),
        migrations.AddField(
            model_name='compositesourceevent',
            name='twin',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='talent.digitaltwin'),
        ),
        migrations.AddField(
            model_name='compositesource',
            name='twin',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='sources', to='talent.digitaltwin'),
        ),
        migrations.AddField(
            model_name='buildevent',
            name='twin',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='talent.digitaltwin'),
        ),
        migrations.AddField(
            model_name='build',
            name='twin',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='builds', to='talent.digitaltwin'),
        ),
        migrations.AddField(
            model_name='digitaltwinevent',
            name='agency',
            field=models.ForeignKey(blank=True, db_constraint=False, help_text="Keeps a persona that is nobody's replica.", null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='talent.agency'),
        ),
        migrations.AddField(
            model_name='digitaltwinevent',
            name='owner',
            field=models.ForeignKey(blank=True, db_constraint=False, help_text='Is paid for a persona without human sources.', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='talent.beneficiary'),
        ),
        migrations.AddField(
            model_name='digitaltwinevent',
            name='pgh_context',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context'),
        ),
        migrations.AddField(
            model_name='digitaltwinevent',
            name='pgh_obj',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='talent.digitaltwin'),
        ),
        migrations.AddField(
            model_name='estateshare',
            name='beneficiary',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='estates', to='talent.beneficiary'),
        ),
        migrations.AddField(
            model_name='estateshareevent',
            name='beneficiary',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='talent.beneficiary'),
        ),
        migrations.AddField(
            model_name='estateshareevent',
            name='pgh_context',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context'),
        ),
        migrations.AddField(
            model_name='estateshareevent',
            name='pgh_obj',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='talent.estateshare'),
        ),
        migrations.AddField(
            model_name='membership',
            name='agency',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='memberships', to='talent.agency'),
        ),
        migrations.AddField(
            model_name='membership',
            name='user',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='memberships', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='membershipevent',
            name='agency',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='talent.agency'),
        ),
        migrations.AddField(
            model_name='membershipevent',
            name='pgh_context',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context'),
        ),
        migrations.AddField(
            model_name='membershipevent',
            name='pgh_obj',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='talent.membership'),
        ),
        migrations.AddField(
            model_name='membershipevent',
            name='user',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddIndex(
            model_name='outboxmessage',
            index=models.Index(condition=models.Q(('status', 'waiting')), fields=['next_attempt_at'], name='outbox_due'),
        ),
        migrations.AddConstraint(
            model_name='outboxmessage',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['waiting', 'sent', 'failed'])), name='outbox_message_status_is_known'),
        ),
        migrations.AddField(
            model_name='performer',
            name='user',
            field=models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='performer', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='estateshareevent',
            name='performer',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='talent.performer'),
        ),
        migrations.AddField(
            model_name='estateshare',
            name='performer',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='estate_shares', to='talent.performer'),
        ),
        migrations.AddField(
            model_name='digitaltwinevent',
            name='performer',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='talent.performer'),
        ),
        migrations.AddField(
            model_name='digitaltwin',
            name='performer',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='twins', to='talent.performer'),
        ),
        migrations.AddField(
            model_name='delegationevent',
            name='performer',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='talent.performer'),
        ),
        migrations.AddField(
            model_name='delegation',
            name='performer',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='delegations', to='talent.performer'),
        ),
        migrations.AddField(
            model_name='consentmatrixevent',
            name='performer',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='talent.performer'),
        ),
        migrations.AddField(
            model_name='consentmatrix',
            name='performer',
            field=models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='consent_matrix', to='talent.performer'),
        ),
        migrations.AddField(
            model_name='compositesourceevent',
            name='performer',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='talent.performer'),
        ),
        migrations.AddField(
            model_name='compositesource',
            name='performer',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='composite_sources', to='talent.performer'),
        ),
        migrations.AddField(
            model_name='beneficiaryevent',
            name='performer',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='talent.performer'),
        ),
        migrations.AddField(
            model_name='beneficiary',
            name='performer',
            field=models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='beneficiary', to='talent.performer'),
        ),
        migrations.AddField(
            model_name='performerevent',
            name='pgh_context',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context'),
        ),
        migrations.AddField(
            model_name='performerevent',
            name='pgh_obj',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='talent.performer'),
        ),
        migrations.AddField(
            model_name='performerevent',
            name='user',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='buildevent',
            name='provider',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='talent.provider'),
        ),
        migrations.AddField(
            model_name='build',
            name='provider',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='builds', to='talent.provider'),
        ),
        migrations.AddField(
            model_name='representation',
            name='agency',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='representations', to='talent.agency'),
        ),
        migrations.AddField(
            model_name='representation',
            name='performer',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='representations', to='talent.performer'),
        ),
        migrations.AddField(
            model_name='representationevent',
            name='agency',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='talent.agency'),
        ),
        migrations.AddField(
            model_name='representationevent',
            name='performer',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='talent.performer'),
        ),
        migrations.AddField(
            model_name='representationevent',
            name='pgh_context',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context'),
        ),
        migrations.AddField(
            model_name='representationevent',
            name='pgh_obj',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='talent.representation'),
        ),
        migrations.AddField(
            model_name='taxcertificate',
            name='beneficiary',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='tax_certificates', to='talent.beneficiary'),
        ),
        migrations.AddField(
            model_name='taxcertificateevent',
            name='beneficiary',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='talent.beneficiary'),
        ),
        migrations.AddField(
            model_name='taxcertificateevent',
            name='pgh_context',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context'),
        ),
        migrations.AddField(
            model_name='taxcertificateevent',
            name='pgh_obj',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='talent.taxcertificate'),
        ),
        migrations.AddConstraint(
            model_name='user',
            constraint=models.CheckConstraint(condition=models.Q(('email', django.db.models.functions.text.Lower('email'))), name='user_email_is_lower_case', violation_error_message='Write the mail address in lower case.'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='agencyevent',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='94cf4a42516d2643bf42ae606102d81a63550883', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_682cb', table='talent_agencyevent', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='consentversion',
            constraint=models.UniqueConstraint(fields=('matrix', 'number'), name='consent_version_numbers_count_up'),
        ),
        migrations.AddConstraint(
            model_name='consentversion',
            constraint=models.CheckConstraint(condition=models.Q(('method__in', ['written', 'electronic', 'rule'])), name='consent_version_method_is_known'),
        ),
        migrations.AddConstraint(
            model_name='consentversion',
            constraint=models.CheckConstraint(condition=models.Q(('represented_by__in', ['counsel', 'union', 'none'])), name='consent_version_representation_is_known'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='consentversion',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='154febd71a1db1514fb9ea5af7390f9d4b5fd727', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_f36f0', table='talent_consentversion', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='consentcell',
            constraint=models.UniqueConstraint(fields=('version', 'right', 'use'), name='consent_cell_once_each'),
        ),
        migrations.AddConstraint(
            model_name='consentcell',
            constraint=models.CheckConstraint(condition=models.Q(('right__in', ['face', 'body', 'voice', 'motion', 'performance_style', 'training_data', 'composite'])), name='consent_cell_right_is_known'),
        ),
        migrations.AddConstraint(
            model_name='consentcell',
            constraint=models.CheckConstraint(condition=models.Q(('use__in', ['feature', 'series', 'animation', 'dubbing', 'adr', 'stunt', 'background', 'game', 'interactive_promo', 'advertising', 'immersive', 'social', 'live', 'age_change', 'reality', 'posthumous_completion', 'training'])), name='consent_cell_use_is_known'),
        ),
        migrations.AddConstraint(
            model_name='consentcell',
            constraint=models.CheckConstraint(condition=models.Q(('stance__in', ['allow', 'ask', 'deny'])), name='consent_cell_stance_is_known'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='consentcell',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='8faa230e19de31b74438aaff78b9a43b4217b7a2', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_59a2f', table='talent_consentcell', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='membership',
            constraint=models.CheckConstraint(condition=models.Q(('role__in', ['agent', 'business_affairs', 'accounting', 'auditor'])), name='membership_role_is_known'),
        ),
        migrations.AddConstraint(
            model_name='membership',
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(expressions=[('agency', '='), ('user', '='), (models.Func('starts_on', 'ends_on', django.contrib.postgres.fields.ranges.RangeBoundary(), function='DATERANGE', output_field=django.contrib.postgres.fields.ranges.DateRangeField()), '&&')], name='membership_one_role_at_a_time', violation_error_message='This person already has a seat in that time.'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='membership',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "talent_membershipevent" ("agency_id", "ends_on", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "role", "starts_on", "user_id") VALUES (NEW."agency_id", NEW."ends_on", NEW."id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."role", NEW."starts_on", NEW."user_id"); RETURN NULL;', hash='2f8b97fc06492c9d5de5f4bc091c12f24677f801', operation='INSERT', pgid='pgtrigger_insert_insert_2625e', table='talent_membership', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='membership',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "talent_membershipevent" ("agency_id", "ends_on", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "role", "starts_on", "user_id") VALUES (NEW."agency_id", NEW."ends_on", NEW."id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."role", NEW."starts_on", NEW."user_id"); RETURN NULL;', hash='783e93f5bc6260d89a8c4436a9b4670add8c24b5', operation='UPDATE', pgid='pgtrigger_update_update_902d9', table='talent_membership', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='membership',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "talent_membershipevent" ("agency_id", "ends_on", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "role", "starts_on", "user_id") VALUES (OLD."agency_id", OLD."ends_on", OLD."id", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."role", OLD."starts_on", OLD."user_id"); RETURN NULL;', hash='d72aa32d6b55e6ffef22bef551afd01168796b3b', operation='DELETE', pgid='pgtrigger_delete_delete_b0f39', table='talent_membership', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='membershipevent',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='831005eceea57c08c622e3c92473f33916607647', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_505f1', table='talent_membershipevent', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='performer',
            constraint=models.CheckConstraint(condition=models.Q(('life__in', ['living', 'deceased', 'minor'])), name='performer_life_is_known'),
        ),
        migrations.AddConstraint(
            model_name='performer',
            constraint=models.CheckConstraint(condition=models.Q(('guild__in', ['sag_aftra', 'equity_uk', 'none'])), name='performer_guild_is_known'),
        ),
        migrations.AddConstraint(
            model_name='performer',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('died_on__isnull', False), ('life', 'deceased')), models.Q(models.Q(('life', 'deceased'), _negated=True), ('died_on', None)), _connector='OR'), name='performer_died_if_deceased', violation_error_message='A deceased performer has a date of death, others none.'),
        ),
        migrations.AddConstraint(
            model_name='performer',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('life', 'minor'), _negated=True), ('born_on__isnull', False), _connector='OR'), name='performer_minor_has_birthday', violation_error_message='A minor needs a date of birth.'),
        ),
        migrations.AddConstraint(
            model_name='performer',
            constraint=models.UniqueConstraint(condition=models.Q(('isni', ''), _negated=True), fields=('isni',), name='performer_isni_unique'),
        ),
        migrations.AddConstraint(
            model_name='performer',
            constraint=models.UniqueConstraint(condition=models.Q(('hand_id', ''), _negated=True), fields=('hand_id',), name='performer_hand_id_unique'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='performer',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "talent_performerevent" ("born_on", "died_on", "domicile", "external_ids", "guild", "guild_number", "hand_id", "id", "isni", "legal_name", "life", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "user_id") VALUES (NEW."born_on", NEW."died_on", NEW."domicile", NEW."external_ids", NEW."guild", NEW."guild_number", NEW."hand_id", NEW."id", NEW."isni", NEW."legal_name", NEW."life", NEW."name", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."user_id"); RETURN NULL;', hash='d8ccfbed1884e6dba380e920ecb2fc2387f243a9', operation='INSERT', pgid='pgtrigger_insert_insert_0b993', table='talent_performer', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='performer',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "talent_performerevent" ("born_on", "died_on", "domicile", "external_ids", "guild", "guild_number", "hand_id", "id", "isni", "legal_name", "life", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "user_id") VALUES (NEW."born_on", NEW."died_on", NEW."domicile", NEW."external_ids", NEW."guild", NEW."guild_number", NEW."hand_id", NEW."id", NEW."isni", NEW."legal_name", NEW."life", NEW."name", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."user_id"); RETURN NULL;', hash='874e72c0f0cdacf4352c37827797f1f34b2cc803', operation='UPDATE', pgid='pgtrigger_update_update_4b74d', table='talent_performer', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='performer',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "talent_performerevent" ("born_on", "died_on", "domicile", "external_ids", "guild", "guild_number", "hand_id", "id", "isni", "legal_name", "life", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "user_id") VALUES (OLD."born_on", OLD."died_on", OLD."domicile", OLD."external_ids", OLD."guild", OLD."guild_number", OLD."hand_id", OLD."id", OLD."isni", OLD."legal_name", OLD."life", OLD."name", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."user_id"); RETURN NULL;', hash='2571f51076c56ec27a25ded719c82fd5e991d4a4', operation='DELETE', pgid='pgtrigger_delete_delete_a2439', table='talent_performer', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='estateshareevent',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='4f56941e18390a74398c6c0cc5d491a6872d4b52', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_58540', table='talent_estateshareevent', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='estateshare',
            constraint=models.UniqueConstraint(fields=('performer', 'beneficiary'), name='estate_share_once_each'),
        ),
        migrations.AddConstraint(
            model_name='estateshare',
            constraint=models.CheckConstraint(condition=models.Q(('weight__gt', 0)), name='estate_share_is_positive', violation_error_message="An heir's weight must be above zero."),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='estateshare',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "talent_estateshareevent" ("beneficiary_id", "id", "performer_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "weight") VALUES (NEW."beneficiary_id", NEW."id", NEW."performer_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."weight"); RETURN NULL;', hash='0b9ff8b77506bb0b5c6dc0d7a81b5ae61b459a14', operation='INSERT', pgid='pgtrigger_insert_insert_cd840', table='talent_estateshare', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='estateshare',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "talent_estateshareevent" ("beneficiary_id", "id", "performer_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "weight") VALUES (NEW."beneficiary_id", NEW."id", NEW."performer_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."weight"); RETURN NULL;', hash='c53450ab08918b96e80dc7ebe3dd22beed09e307', operation='UPDATE', pgid='pgtrigger_update_update_53a13', table='talent_estateshare', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='estateshare',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "talent_estateshareevent" ("beneficiary_id", "id", "performer_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "weight") VALUES (OLD."beneficiary_id", OLD."id", OLD."performer_id", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."weight"); RETURN NULL;', hash='91db58958f434aaeab541a6be9fcce4bbaaa4419', operation='DELETE', pgid='pgtrigger_delete_delete_02061', table='talent_estateshare', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='digitaltwinevent',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='d93e6dac2cffb3a989821a30bb4bb2ec830fc6ce', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_14513', table='talent_digitaltwinevent', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='digitaltwin',
            constraint=models.CheckConstraint(condition=models.Q(('tier__in', ['passive_static_replica', 'dynamic_behavioral_emulator', 'autonomous_generative_persona'])), name='digital_twin_tier_is_known'),
        ),
        migrations.AddConstraint(
            model_name='digitaltwin',
            constraint=models.CheckConstraint(condition=models.Q(('legal_class__in', ['employment_based', 'independently_created', 'background', 'synthetic'])), name='digital_twin_legal_class_is_known'),
        ),
        migrations.AddConstraint(
            model_name='digitaltwin',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['active', 'suspended', 'retired'])), name='digital_twin_status_is_known'),
        ),
        migrations.AddConstraint(
            model_name='digitaltwin',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('agency__isnull', False), ('performer', None), ('tier', 'autonomous_generative_persona')), models.Q(models.Q(('tier', 'autonomous_generative_persona'), _negated=True), ('agency', None), ('performer__isnull', False)), _connector='OR'), name='digital_twin_of_somebody', violation_error_message='A replica or emulator belongs to a performer; a persona to an agency.'),
        ),
        migrations.AddConstraint(
            model_name='digitaltwin',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('tier', 'passive_static_replica'), _negated=True), models.Q(models.Q(('capture_method', ''), _negated=True), ('captured_on__isnull', False)), _connector='OR'), name='digital_twin_capture_fits_its_tier', violation_error_message='A static replica records how and when it was captured.'),
        ),
        migrations.AddConstraint(
            model_name='digitaltwin',
            constraint=models.CheckConstraint(condition=models.Q(('training_hours', None), ('tier', 'dynamic_behavioral_emulator'), _connector='OR'), name='digital_twin_training_fits_its_tier', violation_error_message='Only an emulator has training hours.'),
        ),
        migrations.AddConstraint(
            model_name='digitaltwin',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('legal_class', 'synthetic'), _negated=True), ('union_notice_on__isnull', False), _connector='OR'), name='digital_twin_synthetic_has_union_notice', violation_error_message='A synthetic performer needs the date of the union notice.'),
        ),
        migrations.AddConstraint(
            model_name='digitaltwin',
            constraint=models.UniqueConstraint(condition=models.Q(('hand_id', ''), _negated=True), fields=('hand_id',), name='digital_twin_hand_id_unique'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='digitaltwin',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "talent_digitaltwinevent" ("agency_id", "capture_method", "captured_on", "hand_id", "id", "legal_class", "name", "owner_id", "performer_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "status", "tier", "training_hours", "union_notice_on", "union_notice_reference") VALUES (NEW."agency_id", NEW."capture_method", NEW."captured_on", NEW."hand_id", NEW."id", NEW."legal_class", NEW."name", NEW."owner_id", NEW."performer_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."status", NEW."tier", NEW."training_hours", NEW."union_notice_on", NEW."union_notice_reference"); RETURN NULL;', hash='70b0024fab9a418108bbb5f92888582214d3a26f', operation='INSERT', pgid='pgtrigger_insert_insert_7f5c0', table='talent_digitaltwin', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='digitaltwin',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "talent_digitaltwinevent" ("agency_id", "capture_method", "captured_on", "hand_id", "id", "legal_class", "name", "owner_id", "performer_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "status", "tier", "training_hours", "union_notice_on", "union_notice_reference") VALUES (NEW."agency_id", NEW."capture_method", NEW."captured_on", NEW."hand_id", NEW."id", NEW."legal_class", NEW."name", NEW."owner_id", NEW."performer_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."status", NEW."tier", NEW."training_hours", NEW."union_notice_on", NEW."union_notice_reference"); RETURN NULL;', hash='5db69f12ff30839769a4ef3cbf8f038c345a6d9f', operation='UPDATE', pgid='pgtrigger_update_update_f11a0', table='talent_digitaltwin', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='digitaltwin',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "talent_digitaltwinevent" ("agency_id", "capture_method", "captured_on", "hand_id", "id", "legal_class", "name", "owner_id", "performer_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "status", "tier", "training_hours", "union_notice_on", "union_notice_reference") VALUES (OLD."agency_id", OLD."capture_method", OLD."captured_on", OLD."hand_id", OLD."id", OLD."legal_class", OLD."name", OLD."owner_id", OLD."performer_id", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."status", OLD."tier", OLD."training_hours", OLD."union_notice_on", OLD."union_notice_reference"); RETURN NULL;', hash='a4261ab1da9eeea3ca5081e3a6a0463844e49490', operation='DELETE', pgid='pgtrigger_delete_delete_3fc07', table='talent_digitaltwin', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='delegationevent',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='8f888c93c25790f1d68d3a6af9cd840df9c3904c', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_3a968', table='talent_delegationevent', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='delegation',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['estate', 'guardian', 'counsel'])), name='delegation_kind_is_known'),
        ),
        migrations.AddConstraint(
            model_name='delegation',
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(expressions=[('performer', '='), ('user', '='), (models.Func('starts_on', 'ends_on', django.contrib.postgres.fields.ranges.RangeBoundary(), function='DATERANGE', output_field=django.contrib.postgres.fields.ranges.DateRangeField()), '&&')], name='delegation_one_at_a_time', violation_error_message="This person is already the performer's delegate then."),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='delegation',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "talent_delegationevent" ("authority", "ends_on", "id", "kind", "performer_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "powers", "starts_on", "user_id") VALUES (NEW."authority", NEW."ends_on", NEW."id", NEW."kind", NEW."performer_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."powers", NEW."starts_on", NEW."user_id"); RETURN NULL;', hash='805fe78880bb89d2c8cb4ba8d8820d3f7832b429', operation='INSERT', pgid='pgtrigger_insert_insert_c2764', table='talent_delegation', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='delegation',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "talent_delegationevent" ("authority", "ends_on", "id", "kind", "performer_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "powers", "starts_on", "user_id") VALUES (NEW."authority", NEW."ends_on", NEW."id", NEW."kind", NEW."performer_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."powers", NEW."starts_on", NEW."user_id"); RETURN NULL;', hash='912c89c836b70fcff1f3070d75693002b0b92b7f', operation='UPDATE', pgid='pgtrigger_update_update_fac12', table='talent_delegation', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='delegation',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "talent_delegationevent" ("authority", "ends_on", "id", "kind", "performer_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "powers", "starts_on", "user_id") VALUES (OLD."authority", OLD."ends_on", OLD."id", OLD."kind", OLD."performer_id", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."powers", OLD."starts_on", OLD."user_id"); RETURN NULL;', hash='e648ee544a1d0904e59d77c23165f553451fff36', operation='DELETE', pgid='pgtrigger_delete_delete_ea50d', table='talent_delegation', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='consentmatrixevent',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='8ea192e191c4fe239041f9b8ac859b4e6b4eaba6', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_3a958', table='talent_consentmatrixevent', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='consentmatrix',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(models.Q(('guild', ''), _negated=True), ('agency', None), ('performer', None), ('twin', None)), models.Q(('agency__isnull', False), ('guild', ''), ('performer', None), ('twin', None)), models.Q(('agency', None), ('guild', ''), ('performer__isnull', False), ('twin', None)), models.Q(('agency', None), ('guild', ''), ('performer', None), ('twin__isnull', False)), _connector='OR'), name='consent_matrix_one_owner', violation_error_message='A consent matrix has exactly one owner.'),
        ),
        migrations.AddConstraint(
            model_name='consentmatrix',
            constraint=models.UniqueConstraint(condition=models.Q(('guild', ''), _negated=True), fields=('guild',), name='consent_matrix_one_per_guild'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='consentmatrix',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "talent_consentmatrixevent" ("agency_id", "guild", "id", "performer_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "twin_id") VALUES (NEW."agency_id", NEW."guild", NEW."id", NEW."performer_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."twin_id"); RETURN NULL;', hash='ed6cb7852ebb0df0376d2b99fb65b14a2874e428', operation='INSERT', pgid='pgtrigger_insert_insert_8e23d', table='talent_consentmatrix', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='consentmatrix',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "talent_consentmatrixevent" ("agency_id", "guild", "id", "performer_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "twin_id") VALUES (NEW."agency_id", NEW."guild", NEW."id", NEW."performer_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."twin_id"); RETURN NULL;', hash='e35729b8ccc1b3567345d8dd748df6c7b0f4bc21', operation='UPDATE', pgid='pgtrigger_update_update_54b5a', table='talent_consentmatrix', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='consentmatrix',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "talent_consentmatrixevent" ("agency_id", "guild", "id", "performer_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "twin_id") VALUES (OLD."agency_id", OLD."guild", OLD."id", OLD."performer_id", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."twin_id"); RETURN NULL;', hash='eb9489dbe737ced5702548c20a948e369c23ec55', operation='DELETE', pgid='pgtrigger_delete_delete_a9925', table='talent_consentmatrix', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='compositesourceevent',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='2bd16f044a1b6ce485fb7ea17a971a8422842f68', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_4998a', table='talent_compositesourceevent', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='compositesource',
            constraint=models.UniqueConstraint(fields=('twin', 'performer'), name='composite_source_once_each'),
        ),
        migrations.AddConstraint(
            model_name='compositesource',
            constraint=models.CheckConstraint(condition=models.Q(('weight__gt', 0)), name='composite_source_weight_is_positive', violation_error_message="A source's weight must be above zero."),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='compositesource',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "talent_compositesourceevent" ("id", "performer_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "twin_id", "weight") VALUES (NEW."id", NEW."performer_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."twin_id", NEW."weight"); RETURN NULL;', hash='480c5cb191ebfde4246c07917bf7f037452a72f4', operation='INSERT', pgid='pgtrigger_insert_insert_5e126', table='talent_compositesource', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='compositesource',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "talent_compositesourceevent" ("id", "performer_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "twin_id", "weight") VALUES (NEW."id", NEW."performer_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."twin_id", NEW."weight"); RETURN NULL;', hash='87915044503490b228b3df9b93b994f3266d057b', operation='UPDATE', pgid='pgtrigger_update_update_ec3c1', table='talent_compositesource', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='compositesource',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "talent_compositesourceevent" ("id", "performer_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "twin_id", "weight") VALUES (OLD."id", OLD."performer_id", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."twin_id", OLD."weight"); RETURN NULL;', hash='4afd9ddfb0da1b9a8e2018013027a470509bb2b9', operation='DELETE', pgid='pgtrigger_delete_delete_a243d', table='talent_compositesource', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='beneficiaryevent',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='101f6f149d6ff99b3f3585ebe15b18b35d9aecb4', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_2082d', table='talent_beneficiaryevent', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='beneficiary',
            constraint=models.CheckConstraint(condition=models.Q(('performer', None), ('agency', None), _connector='OR'), name='beneficiary_performer_or_agency', violation_error_message='A beneficiary is a performer or an agency, not both.'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='beneficiary',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "talent_beneficiaryevent" ("address", "agency_id", "id", "name", "performer_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "user_id") VALUES (NEW."address", NEW."agency_id", NEW."id", NEW."name", NEW."performer_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."user_id"); RETURN NULL;', hash='c7a3bc2cfdce292ca315fd1c1c6921f650f31630', operation='INSERT', pgid='pgtrigger_insert_insert_03b9e', table='talent_beneficiary', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='beneficiary',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "talent_beneficiaryevent" ("address", "agency_id", "id", "name", "performer_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "user_id") VALUES (NEW."address", NEW."agency_id", NEW."id", NEW."name", NEW."performer_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."user_id"); RETURN NULL;', hash='f59b83c9b3e822a5ee224b84f6fb1a5035dcd591', operation='UPDATE', pgid='pgtrigger_update_update_44942', table='talent_beneficiary', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='beneficiary',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "talent_beneficiaryevent" ("address", "agency_id", "id", "name", "performer_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "user_id") VALUES (OLD."address", OLD."agency_id", OLD."id", OLD."name", OLD."performer_id", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."user_id"); RETURN NULL;', hash='ab20a5f0b6e2be64bea21e7f4b0dc010592e74b7', operation='DELETE', pgid='pgtrigger_delete_delete_61520', table='talent_beneficiary', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='performerevent',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='18ff494617b4c74b581de8a9936ee1c020052743', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_42baf', table='talent_performerevent', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='buildevent',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='55fcae513413bdffd1b858aefc0798ff2017c140', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_e2963', table='talent_buildevent', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='build',
            constraint=models.UniqueConstraint(fields=('twin', 'version'), name='build_version_once'),
        ),
        migrations.AddConstraint(
            model_name='build',
            constraint=models.CheckConstraint(condition=models.Q(('retired_on', None), ('retired_on__gte', models.F('built_on')), _connector='OR'), name='build_retired_after_it_was_built', violation_error_message='A build retires after it was built.'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='build',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "talent_buildevent" ("built_on", "gpu_hours", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "provider_id", "retired_on", "sha256", "training_cost", "training_cost_currency", "twin_id", "version") VALUES (NEW."built_on", NEW."gpu_hours", NEW."id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."provider_id", NEW."retired_on", NEW."sha256", NEW."training_cost", NEW."training_cost_currency", NEW."twin_id", NEW."version"); RETURN NULL;', hash='3eada1a09a2399be0241772c4df5a0dd16281e40', operation='INSERT', pgid='pgtrigger_insert_insert_568f9', table='talent_build', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='build',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "talent_buildevent" ("built_on", "gpu_hours", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "provider_id", "retired_on", "sha256", "training_cost", "training_cost_currency", "twin_id", "version") VALUES (NEW."built_on", NEW."gpu_hours", NEW."id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."provider_id", NEW."retired_on", NEW."sha256", NEW."training_cost", NEW."training_cost_currency", NEW."twin_id", NEW."version"); RETURN NULL;', hash='d29ec1bd91e3c479be12cf21176aa1d0b9f879b2', operation='UPDATE', pgid='pgtrigger_update_update_adadf', table='talent_build', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='build',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "talent_buildevent" ("built_on", "gpu_hours", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "provider_id", "retired_on", "sha256", "training_cost", "training_cost_currency", "twin_id", "version") VALUES (OLD."built_on", OLD."gpu_hours", OLD."id", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."provider_id", OLD."retired_on", OLD."sha256", OLD."training_cost", OLD."training_cost_currency", OLD."twin_id", OLD."version"); RETURN NULL;', hash='e9e890f36374c40ae585ecec3018d79b09d371f8', operation='DELETE', pgid='pgtrigger_delete_delete_93153', table='talent_build', when='AFTER')),
        ),
        migrations.AddConstraint(
            model_name='representation',
            constraint=models.CheckConstraint(condition=models.Q(('ends_on', None), ('ends_on__gt', models.F('starts_on')), _connector='OR'), name='representation_ends_after_it_starts', violation_error_message='A representation must end after it starts.'),
        ),
        migrations.AddConstraint(
            model_name='representation',
            constraint=models.CheckConstraint(condition=models.Q(('commission_percent__gte', 0), ('commission_percent__lte', 100)), name='representation_commission_is_a_percentage', violation_error_message='Commission is between 0 and 100 %.'),
        ),
        migrations.AddConstraint(
            model_name='representation',
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(expressions=[('agency', '='), ('performer', '='), (models.Func('starts_on', 'ends_on', django.contrib.postgres.fields.ranges.RangeBoundary(), function='DATERANGE', output_field=django.contrib.postgres.fields.ranges.DateRangeField()), '&&')], name='representation_one_at_a_time', violation_error_message='This agency already represents the performer then.'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='representation',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "talent_representationevent" ("agency_id", "commission_percent", "ends_on", "id", "performer_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "starts_on") VALUES (NEW."agency_id", NEW."commission_percent", NEW."ends_on", NEW."id", NEW."performer_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."starts_on"); RETURN NULL;', hash='d2c302f0ad483da1865c44ee269c03298ef6214d', operation='INSERT', pgid='pgtrigger_insert_insert_96ec2', table='talent_representation', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='representation',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "talent_representationevent" ("agency_id", "commission_percent", "ends_on", "id", "performer_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "starts_on") VALUES (NEW."agency_id", NEW."commission_percent", NEW."ends_on", NEW."id", NEW."performer_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."starts_on"); RETURN NULL;', hash='54e320ede5e5b927bf5c0a28e6a178619bfe5711', operation='UPDATE', pgid='pgtrigger_update_update_52441', table='talent_representation', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='representation',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "talent_representationevent" ("agency_id", "commission_percent", "ends_on", "id", "performer_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "starts_on") VALUES (OLD."agency_id", OLD."commission_percent", OLD."ends_on", OLD."id", OLD."performer_id", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."starts_on"); RETURN NULL;', hash='4a92a51a45f908fb7a793846153a669ee23723a1', operation='DELETE', pgid='pgtrigger_delete_delete_33699', table='talent_representation', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='representationevent',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='3bb524de95b8835c107469606d09b268d8b59ac7', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_20251', table='talent_representationevent', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='taxcertificate',
            constraint=models.CheckConstraint(condition=models.Q(('form__in', ['w9', 'w8ben', 'w8ben_e', 'none'])), name='tax_certificate_form_is_known'),
        ),
        migrations.AddConstraint(
            model_name='taxcertificate',
            constraint=models.CheckConstraint(condition=models.Q(('withholding_percent__gte', 0), ('withholding_percent__lte', 100)), name='tax_certificate_rate_is_a_percentage', violation_error_message='Withholding is between 0 and 100 %.'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='taxcertificate',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "talent_taxcertificateevent" ("beneficiary_id", "expires_on", "form", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "rate_source", "residence", "signed_on", "withholding_percent") VALUES (NEW."beneficiary_id", NEW."expires_on", NEW."form", NEW."id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."rate_source", NEW."residence", NEW."signed_on", NEW."withholding_percent"); RETURN NULL;', hash='54bc270daedf256e27ba075c42b8f69c5b782473', operation='INSERT', pgid='pgtrigger_insert_insert_b7983', table='talent_taxcertificate', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='taxcertificate',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "talent_taxcertificateevent" ("beneficiary_id", "expires_on", "form", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "rate_source", "residence", "signed_on", "withholding_percent") VALUES (NEW."beneficiary_id", NEW."expires_on", NEW."form", NEW."id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."rate_source", NEW."residence", NEW."signed_on", NEW."withholding_percent"); RETURN NULL;', hash='540d03a23f2f428e85a5cc19766c37f8a043ec22', operation='UPDATE', pgid='pgtrigger_update_update_ed0ca', table='talent_taxcertificate', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='taxcertificate',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "talent_taxcertificateevent" ("beneficiary_id", "expires_on", "form", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "rate_source", "residence", "signed_on", "withholding_percent") VALUES (OLD."beneficiary_id", OLD."expires_on", OLD."form", OLD."id", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."rate_source", OLD."residence", OLD."signed_on", OLD."withholding_percent"); RETURN NULL;', hash='12d1d40e3a538e23d7e2b9926e82b7a83d368994', operation='DELETE', pgid='pgtrigger_delete_delete_a1076', table='talent_taxcertificate', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='taxcertificateevent',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='0d9f36438b7d707f6d52a2f07edf3acc87083759', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_98c1b', table='talent_taxcertificateevent', when='BEFORE')),
        ),
    ]
