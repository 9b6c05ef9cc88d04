"""Change an app's models in few operations, so that migrating renders them a few times."""

from django.db import migrations
from django.db.migrations.operations.base import Operation
from pgtrigger.migrations import AddTrigger, RemoveTrigger

# Operations that a run of several may hold: each does its part of the database by the state before
# all of them and the state after all of them.
JOINED = (
    migrations.AddConstraint, migrations.AddField, migrations.AddIndex, migrations.AlterField,
    migrations.AlterModelOptions, migrations.CreateModel, migrations.RemoveConstraint,
    migrations.RemoveField, migrations.RemoveIndex, AddTrigger, RemoveTrigger,
)  # fmt: skip


class Together(Operation):
    """Do several operations, and render the state of models once.

    Each of them alone renders anew every model that foreign keys lead to from its own, which here
    is nearly all of them: a hundred operations would render thousands of models.
    """

    reduces_to_sql = True
    reversible = True

    def __init__(self, operations):
        self.operations = operations

    def deconstruct(self):
        return self.__class__.__name__, [self.operations], {}

    def state_forwards(self, app_label, state):
        # A state without `apps` renders nothing as models change, and all at the next look.
        state.__dict__.pop("apps", None)
        for operation in self.operations:
            operation.state_forwards(app_label, state)

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        for operation in self._of_the_database():
            operation.database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label, schema_editor, from_state, to_state):
        for operation in reversed(self._of_the_database()):
            operation.database_backwards(app_label, schema_editor, from_state, to_state)

    def describe(self):
        return f"{len(self.operations)} changes of models"

    def _of_the_database(self):
        """Leave out what changes a model that is created here: it is created as it ends."""
        created = {op.name_lower for op in self.operations if isinstance(op, migrations.CreateModel)}
        return [
            operation
            for operation in self.operations
            if isinstance(operation, (migrations.CreateModel, AddTrigger))
            or operation.model_name_lower not in created
        ]


def together(operations):
    """Return the same operations in as few as may be: a field changes once in each."""
    runs, fields = [], set()
    for operation in operations:
        if not isinstance(operation, JOINED):
            runs.append(operation)
            continue
        field = _field_of(operation)
        if not (runs and isinstance(runs[-1], Together)) or field in fields:
            runs.append(Together([]))
            fields = set()
        runs[-1].operations.append(operation)
        fields |= {field} - {None}
    return runs


def _field_of(operation):
    if isinstance(operation, migrations.operations.fields.FieldOperation):
        return operation.model_name_lower, operation.name_lower
    return None
