"""What every section of the configuration is made of: frozen models that refuse unknown keys."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from gravispec.config_errors import nearest

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Positive = Annotated[float, Field(gt=0)]


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def known(key, value, names):
    """Raise ``ValueError`` unless ``value`` is one of ``names``; the message names the nearest."""
    if value not in names:
        allowed = ", ".join(names) or "none"
        raise ValueError(f"{key} = {value!r}: not defined; one of {allowed} is allowed{nearest(value, names)}")
