"""What every section of the configuration is made of: frozen models that refuse unknown keys."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from gravispec.config.errors import nearest

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
ModelName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
Positive = Annotated[float, Field(gt=0)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
NoiseLevel = Annotated[float, Field(ge=0, le=10)]


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def known(key, value, names, what="defined"):
    """Raise ``ValueError`` unless ``value`` is one of ``names``; the message names the nearest."""
    if value not in names:
        allowed = ", ".join(map(str, names)) or "none"
        raise ValueError(f"{key} = {value!r}: not {what}; one of {allowed} is allowed{nearest(value, names)}")
