"""What is refused of disputes, and why."""

from talent.errors import Refused


class NoSuchLine(Refused):
    """The statement or what is owed has no such line."""

    code = "no_such_line"


class ObjectionPeriodOver(Refused):
    """The time in which a line may be disputed is over."""

    code = "objection_period_over"


class AlreadyDisputed(Refused):
    """The same line is in dispute, or was decided."""

    code = "already_disputed"


class NotItsTurn(Refused):
    """A step that is not the dispute's next one."""

    code = "not_its_turn"


class NoText(Refused):
    """Whoever disputes, answers or decides says why, in characters that can be seen."""

    code = "no_text"
