"""A tier's coefficients as JSON, and the file of them that ships beside this module.

`geometry_coefficients.json` is made by `python -m models.fit_geometry`; the numbers are rounded to six digits, and the
model that is shipped is the one read back from them.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from models.geometry.regression import Tier

COEFFICIENTS_FILE: Final = Path(__file__).with_name("geometry_coefficients.json")
FORMAT: Final = 1


def tier_from_json(name: str, fields: Mapping[str, Any]) -> Tier:
    """The tier that `tier_to_json` wrote."""
    arrays = {key: np.array(value, dtype=float) for key, value in fields.items() if isinstance(value, list)}
    size = len(arrays["feature_mean"])
    gram = np.zeros((size, size))
    gram[np.triu_indices(size)] = arrays.pop("gram")
    gram = gram + np.triu(gram, 1).T
    return Tier(name=name, gram=gram, nose_to_neck=float(fields["nose_to_neck"]), **arrays)


def tier_to_json(tier: Tier) -> dict[str, Any]:
    """A tier as JSON, to six digits; of the symmetric Gram matrix the upper half."""
    fields: dict[str, Any] = {}
    for name in Tier.__dataclass_fields__:
        value = getattr(tier, name)
        if name == "gram":
            value = value[np.triu_indices(len(value))]
        if isinstance(value, np.ndarray):
            fields[name] = _rounded(value.tolist())
        elif name != "name":
            fields[name] = _rounded(value)
    return fields


def _rounded(value: Any) -> Any:
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    short = float(f"{value:.6g}")
    return int(short) if short == int(short) and abs(short) < 1e6 else short
