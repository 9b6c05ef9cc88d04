"""What the vault's storage refuses, wherever it is."""

from talent.errors import Refused


class PlaceAway(Refused):
    """The vault's files cannot be reached, or its disk is full. Nothing was lost."""

    code = "custody_place_away"
