"""Types that options of models are annotated with, and their ranges."""

from typing import Annotated, Literal

from pydantic import Field

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Rate = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Layers = Annotated[tuple[Count, ...], Field(min_length=1, max_length=10)]
#: what annotations may name
OPTION_TYPES = {"int": int, "str": str, "bool": bool, "tuple": tuple, "Literal": Literal} | {
    "Share": Share, "Positive": Positive, "Rate": Rate, "NotNegative": NotNegative, "Count": Count,
    "Layers": Layers,
}  # fmt: skip
