"""What uploads by parts are answered with, as tus 1.0 says."""

import base64
import binascii

from django.http import HttpResponse, JsonResponse

from talent.custody import keys, places, uploads

REFUSED = {
    uploads.NotThere: 409,
    uploads.OtherContent: 409,
    uploads.UploadIsBusy: 423,
    uploads.TooLarge: 413,
    keys.ItemClosed: 410,
    keys.KeyMissing: 503,
    places.PlaceAway: 503,
}
TUS = {"Tus-Resumable": "1.0.0", "Tus-Version": "1.0.0", "Tus-Extension": "creation,termination"}


def answer(
    response: HttpResponse | None = None, *, status: int = 200, **headers: str
) -> HttpResponse:
    response = HttpResponse(status=status) if response is None else response
    for name, value in (TUS | headers).items():
        response[name] = value
    return response


def refused(text: str, *, status: int) -> HttpResponse:
    return answer(JsonResponse({"detail": text}, status=status))


def is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 16


def told_by(metadata: str) -> dict[str, object]:
    """Return the fields of an upload's metadata: names with values in Base64, by commas.

    Several purposes are one value, apart by commas. What cannot be read is left out: the form then
    asks for it.
    """
    told: dict[str, object] = {}
    for pair in metadata[:10_000].split(","):
        name, _space, value = pair.strip().partition(" ")
        try:
            told[name] = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            continue
    told["purposes"] = [code for code in str(told.get("purposes", "")).split(",") if code]
    return told
