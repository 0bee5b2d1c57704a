"""JSON files made of records: taken apart without building them, so that one bad record does not cost the others.

A file is split into undecoded pieces (`msgspec.Raw`, which point into the file's bytes) in one quick pass, and each
door decodes its pieces one at a time. Files that only Python's own `json` accepts (NaN, Infinity, lone surrogates) take
a slower way in: their pieces are plain Python values, and the doors refuse the records which hold such things.
What is wrong with a whole file is a `FormatError` that names file, byte and line.
"""

import codecs
import json
import math
from pathlib import Path
from typing import Any, Final, TypeAlias

import msgspec

from datasets.records import FormatError

Item: TypeAlias = msgspec.Raw | Any  # one record: bytes not yet decoded, or what `json` made of them
_CHUNK: Final = 1 << 20
_LIST: Final = msgspec.json.Decoder(list[msgspec.Raw])
_ANY: Final = msgspec.json.Decoder()
_WORDS: Final = {dict: "an object", list: "a list", str: "a string", bool: "true or false", type(None): "null"}


def read_bytes(path: Path) -> bytes:
    """The bytes of a UTF-8 file, a byte order mark taken off. Raises FormatError: unreadable, empty, not UTF-8."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FormatError(f"{path.name}: cannot be read ({error.strerror or error}), expected a JSON file") from None
    data = data.removeprefix(codecs.BOM_UTF8)
    if not data.strip():
        raise FormatError(f"{path.name}: is empty, expected a JSON file")
    if not data.isascii():
        _check_utf8(path.name, data)
    return data


def split_list(path: Path, what: str) -> list[Item]:
    """The pieces of a file that is one list. Raises FormatError, saying that the list should be one of `what`."""
    whole = _split(path, _LIST)
    if not isinstance(whole, list):
        raise FormatError(f"{path.name}: is {word_of(whole)}, expected a list of {what}")
    return whole


def split_object(path: Path, shape: msgspec.json.Decoder[Any], what: str) -> dict[str, list[Item]]:
    """The pieces of the lists of a file that is one object; a list that the file lacks is absent here too.

    Args:
        shape: decodes into a Struct whose fields, the names of the lists, are list[Raw] or UNSET.
    Raises:
        FormatError: not an object, or one of the names is there and is not a list.
    """
    whole = _split(path, shape)
    names = shape.type.__struct_fields__
    if isinstance(whole, shape.type):
        values = {name: getattr(whole, name) for name in names}
        return {name: value for name, value in values.items() if value is not msgspec.UNSET}
    if not isinstance(whole, dict):
        raise FormatError(f"{path.name}: is {word_of(whole)}, expected {what}")
    pieces: dict[str, list[Item]] = {}
    for name in names:
        if name not in whole:
            continue
        value = whole[name]
        if not isinstance(value, list):
            raise FormatError(f"{path.name}: {name} is {word_of(value)}, expected a list")
        pieces[name] = value
    return pieces


def decode_plain(item: Item) -> Any:
    """One piece as plain Python values, which may hold numbers that JSON does not have; see check_finite."""
    try:
        return _ANY.decode(item) if isinstance(item, msgspec.Raw) else item
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        try:
            return json.loads(bytes(item))
        except (ValueError, RecursionError) as error:
            raise FormatError(f"cannot be decoded ({error}), expected valid JSON") from None


def check_finite(value: Any) -> None:
    """Raise FormatError, the rest of a sentence, where a plain value holds NaN or infinity: "bbox[2] is NaN, ..."."""
    found = _odd_number(value, "")
    if found is not None:
        raise FormatError(f"{found}, expected a finite number")


def word_of(value: Any) -> str:
    """What a JSON value is, for a sentence: "a string", "a list", "the number 3.5"."""
    if type(value) in (int, float):
        return f"the number {value}"
    return _WORDS.get(type(value), type(value).__name__)


def shown(value: Any) -> str:
    """A value as a sentence shows it: what it is, and its text where that is short."""
    if isinstance(value, str):
        return f"the string {value!r}" if len(value) <= 40 else f"a string of {len(value)} characters"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return word_of(value)


def _split(path: Path, decoder: msgspec.json.Decoder[Any]) -> Any:
    data = read_bytes(path)
    try:
        return decoder.decode(data)
    except msgspec.ValidationError:
        pass  # JSON, but not of the expected shape: let the caller say what it is
    except (msgspec.DecodeError, RecursionError):
        pass  # not JSON to msgspec; Python's parser takes a little more, and says where it stopped
    try:
        return json.loads(data)
    except json.JSONDecodeError as error:
        byte = len(error.doc[: error.pos].encode())
        if not error.doc[error.pos :].strip():
            raise FormatError(
                f"{path.name}: the JSON ends early at byte {byte} (line {error.lineno}), expected a complete file"
            ) from None
        raise FormatError(
            f"{path.name}: byte {byte} (line {error.lineno}, column {error.colno}) is not JSON ({error.msg}), "
            "expected valid JSON"
        ) from None
    except RecursionError:
        raise FormatError(f"{path.name}: lists or objects are nested too deeply, expected a flat file") from None
    except ValueError as error:  # an integer of more than 4,300 digits
        raise FormatError(f"{path.name}: holds a number that cannot be read ({error}), expected valid JSON") from None


def _check_utf8(name: str, data: bytes) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")()
    for start in range(0, len(data), _CHUNK):
        pending = len(decoder.getstate()[0])
        try:
            decoder.decode(data[start : start + _CHUNK], final=start + _CHUNK >= len(data))
        except UnicodeDecodeError as error:
            byte = start - pending + error.start
            line = data.count(b"\n", 0, byte) + 1
            raise FormatError(
                f"{name}: byte {byte} (line {line}) is 0x{data[byte]:02x}, which is not UTF-8 there, "
                "expected a JSON file in UTF-8"
            ) from None


def _odd_number(value: Any, where: str) -> str | None:
    """Where in a record a number is that JSON does not have: "keypoints[3] is NaN"."""
    if isinstance(value, float) and not math.isfinite(value):
        return f"{where.removeprefix('.') or 'it'} is {'NaN' if value != value else value}"
    if isinstance(value, dict):
        children = ((f"{where}.{key}", child) for key, child in value.items())
    elif isinstance(value, list):
        children = ((f"{where}[{index}]", child) for index, child in enumerate(value))
    else:
        return None
    return next((found for child_where, child in children if (found := _odd_number(child, child_where))), None)
