"""What the name of a picture file may be, and what it says of where the picture is from.

Names arrive in files that strangers wrote, and later become paths below a folder of ours: a name that would leave the
folder is refused at the door. Danbooru's own names are read here and nowhere else.
"""

import re
from typing import Final

# `1154928.jpg`, or Danbooru's and Danbooru20xx's tree `0162/263162.jpg`: the file's stem is the post's number.
_POST_NAME: Final = re.compile(r"(?:.*[/\\])?0*([0-9]{1,12})\.[A-Za-z0-9]{1,5}\Z", re.DOTALL)


def post_id_of(name: str) -> str | None:
    """The Danbooru post that a file is named after, or None.

    `1154928.jpg` and `0162/263162.jpg` say it; `__name_drawn_by_artist__<md5>.jpg`, Danbooru's name for a download,
    and a bare MD5 do not. Leading zeros are no part of the number.
    """
    match = _POST_NAME.match(name)
    return match[1] if match else None


def why_unsafe(name: str) -> str | None:
    """What is wrong with a file name from a stranger's file, as the rest of a sentence; None for a relative path."""
    if not name:
        return "is empty, expected a relative path"
    if "\0" in name:
        return "has a NUL character in it, expected a relative path"
    if name[0] in "/\\" or (name[1:2] == ":" and name[0].isalpha()):
        return f"is the absolute path {name!r}, expected a relative one"
    if ".." in name and ".." in name.replace("\\", "/").split("/"):
        return f"is {name!r}, which leaves its folder through '..', expected a path inside it"
    return None
