"""Request bodies and queries in, JSON out: strict types at the door, msgspec on both sides.

A body must be `application/json`, which a foreign page cannot send without asking first, and must be exactly the
expected type: unknown fields, missing ones, wrong types are refused with the path of the part that is wrong.
"""

import re
from typing import Any, Final

import msgspec
from flask import Response, request

from annotator_ui.errors import Refused

MAX_KEYS_TRIED: Final = 64  # when naming the key of a refused entry
_AT: Final = re.compile(r" - at `(?:key` in `)?(?P<path>[^`]*)`$")
_UNKNOWN: Final = re.compile(r"Object contains unknown field `(?P<name>.*)`", re.DOTALL)
_MISSING: Final = re.compile(r"Object missing required field `(?P<name>.*)`", re.DOTALL)

_encoder: Final = msgspec.json.Encoder()
_verbatim: Final = msgspec.json.Decoder(float_hook=lambda text: msgspec.Raw(text.encode()))


def json_response(value: Any, status: int = 200) -> Response:
    """Any record of curator, as JSON."""
    return Response(_encoder.encode(value), status, mimetype="application/json")


def read_body(decoder: msgspec.json.Decoder[Any]) -> Any:
    """The body of this request as the decoder's type.

    Raises:
        Refused: 415 not JSON by its content type; 400 not JSON, or not of the type.
    """
    if request.mimetype != "application/json":
        found = request.headers.get("Content-Type") or "none"
        raise Refused(415, f"the content type is {found}, expected application/json")
    body = request.get_data(cache=False)
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        sentence, field = _explain(error, body, decoder)
        raise Refused(400, f"{field or 'the request body'}: {sentence}", field) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(400, f"the request body is not JSON: {error}") from None


def read_query(record: type) -> Any:
    """The query of this request as a record; numbers and yes/no are read from their text.

    Raises:
        Refused: 400 with the parameter's name.
    """
    if not request.query_string:
        return record()
    values = request.args.to_dict(flat=False)
    for name, given in values.items():
        if len(given) > 1:
            raise Refused(400, f"{name}: is given {len(given)} times, expected once", name)
    try:
        return msgspec.convert({name: given[0] for name, given in values.items()}, record, strict=False)
    except msgspec.ValidationError as error:
        sentence, field = _split(str(error))
        raise Refused(400, f"{field or 'the query'}: {sentence}", field) from None


def _explain(error: msgspec.ValidationError, body: bytes, decoder: msgspec.json.Decoder[Any]) -> tuple[str, str | None]:
    """msgspec names list positions but not the keys of a dict (`keypoints[...]`): find the key by trying each alone."""
    sentence, field = _split(str(error))
    try:
        raw = _verbatim.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return sentence, field  # broken further on as well
    while field is not None and "[...]" in field:
        before, _, after = field.partition("[...]")
        parent = _at(raw, before)
        if not isinstance(parent, dict) or len(parent) > MAX_KEYS_TRIED:
            break
        entries = dict(parent)
        for key, value in entries.items():
            parent.clear()
            parent[key] = value
            try:
                decoder.decode(msgspec.json.encode(raw))
            except msgspec.ValidationError as again:
                if _split(str(again)) == (sentence, f"{before}[...]{after}"):
                    field = f"{before}.{key}{after}"
                    break
            finally:
                parent.clear()
                parent.update(entries)
        else:
            break
    return sentence, field


def _split(message: str) -> tuple[str, str | None]:
    """msgspec's message as a sentence and the path of the part, `changes.keypoints.left_eye.x`."""
    match = _AT.search(message)
    path = match["path"].removeprefix("$").removeprefix(".") if match else ""
    sentence = message[: match.start()] if match else message
    for pattern in (_UNKNOWN, _MISSING):
        if named := pattern.fullmatch(sentence):
            path = f"{path}.{named['name']}" if path else named["name"]
    return sentence[0].lower() + sentence[1:], path or None


def _at(raw: Any, path: str) -> Any:
    """Follow `changes.items[3].name` into decoded JSON; None where it leads nowhere."""
    for name, position in re.findall(r"([^.\[\]]+)|\[(\d+)\]", path):
        try:
            raw = raw[name] if name else raw[int(position)]
        except (KeyError, IndexError, TypeError):
            return None
    return raw
