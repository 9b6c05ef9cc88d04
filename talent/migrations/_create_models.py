"""Create an app's models in one operation."""

from django.db.migrations.operations.base import Operation


class CreateModels(Operation):
    """Create models, and render their state once.

    A `CreateModel` renders anew every model that foreign keys lead to from its own, which here is
    nearly all of them: a hundred operations would render thousands of models.
    """

    reduces_to_sql = True
    reversible = True

    def __init__(self, operations):
        self.operations = operations

    def deconstruct(self):
        return self.__class__.__name__, [self.operations], {}

    def state_forwards(self, app_label, state):
        # A state without `apps` renders nothing as models are added, and all at the next look.
        state.__dict__.pop("apps", None)
        for operation in self.operations:
            operation.state_forwards(app_label, state)

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        for operation in self.operations:
            operation.database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label, schema_editor, from_state, to_state):
        for operation in reversed(self.operations):
            operation.database_backwards(app_label, schema_editor, from_state, to_state)

    def describe(self):
        return f"Create {len(self.operations)} models"
