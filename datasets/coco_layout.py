"""The shape of a COCO file's pieces, as types that msgspec checks while decoding; shared by reading and writing.

Known fields are typed, anything else in a piece makes the typed decoding stop (`forbid_unknown_fields`) and the reader
takes the longer way. The extra field `curator` is described in `datasets.coco`.
"""

from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, UnsetType

Numbers = list[int | float]
Place = Annotated[list[int | float], msgspec.Meta(min_length=2, max_length=2)]
Size = tuple[int, int]


class FilePieces(msgspec.Struct):
    """A file's lists, their members not decoded yet."""

    images: list[msgspec.Raw] | UnsetType = UNSET
    annotations: list[msgspec.Raw] | UnsetType = UNSET
    categories: list[msgspec.Raw] | UnsetType = UNSET
    licenses: list[msgspec.Raw] | UnsetType = UNSET


class ImageExtra(msgspec.Struct):
    """`curator` of an image."""

    format: int
    fit_wh: Size | None = None
    original_wh: Size | None = None
    original_md5: str | None = None
    digest: str | None = None
    removal: str | None = None
    flags: list[str] = []
    other: dict[str, Any] = {}


class AnnotationExtra(msgspec.Struct):
    """`curator` of an annotation."""

    states: str
    sources: str
    points: dict[str, Place] = {}
    extras: dict[str, Place] = {}
    made_box: Numbers | None = None
    box_source: str = "none"
    box_confirmed: bool = False
    area: int | float | UnsetType | None = UNSET
    source_id: str | UnsetType | None = UNSET
    other: dict[str, Any] = {}


class ImageFields(msgspec.Struct, forbid_unknown_fields=True):
    """An image that has only fields that we know."""

    id: int
    file_name: str
    width: int | None = None
    height: int | None = None
    license: int | UnsetType = UNSET
    artist: str | UnsetType = UNSET
    source: str | UnsetType = UNSET
    source_id: str | UnsetType = UNSET
    rating: str | UnsetType = UNSET
    rating_scheme: str | UnsetType = UNSET
    curator: ImageExtra | UnsetType = UNSET


class AnnotationFields(msgspec.Struct, forbid_unknown_fields=True):
    """An annotation that has only fields that we know. num_keypoints is read and not believed: we count."""

    id: int
    image_id: int
    category_id: int
    keypoints: Numbers | None = None
    num_keypoints: int | None = None
    bbox: Numbers | None = None
    area: int | float | None = None
    iscrowd: int | bool | None = None
    segmentation: Any = None
    curator: AnnotationExtra | UnsetType = UNSET


class AnnotationHead(msgspec.Struct, gc=False):
    """The two ids of an annotation, whatever they are: enough to group a file's annotations by image."""

    id: Any = UNSET
    image_id: Any = UNSET


IMAGE_FIELDS: Final = frozenset(ImageFields.__struct_fields__)
ANNOTATION_FIELDS: Final = frozenset(AnnotationFields.__struct_fields__)
# Fields of ours that a file of another program may use for something else.
ATTRIBUTION: Final = ("artist", "source", "source_id", "rating", "rating_scheme")
CATEGORY_ID: Final = 1
FORMAT: Final = 1
