"""Names that documents print: what no font of the desk has is refused when it is entered."""

import pytest
from django.core.exceptions import ValidationError

from licensing.models import Licensee, Production
from talent.models import Agency, Beneficiary, Performer

PRINTED = [
    *((Agency, "name"), (Agency, "address"), (Performer, "name"), (Performer, "legal_name")),
    *((Beneficiary, "name"), (Beneficiary, "address"), (Licensee, "name"), (Production, "title")),
]


@pytest.mark.parametrize(("model", "field"), PRINTED)
def test_a_character_without_a_font_is_refused_by_its_name(model, field):
    # The row is of no interest, and the name is asked of it alone.
    others = [one.name for one in model._meta.fields if one.name != field]

    with pytest.raises(ValidationError, match="grinning face"):
        model(**{field: "Ada \N{GRINNING FACE}"}).clean_fields(exclude=others)


@pytest.mark.parametrize("name", ["佐藤 美咲", "ก้อง เกียรติศักดิ์", "محمد الأمين", "김민준"])
def test_a_name_in_any_script_is_taken(name):
    Performer(name=name).clean_fields(
        exclude=[one.name for one in Performer._meta.fields if one.name != "name"]
    )
