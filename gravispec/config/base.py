"""What every section of the configuration is made of: frozen models, finite numbers, names that are free."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from gravispec.config.errors import SHORT, nearest

LONGEST = 64  # characters of a name: files are named by several, and a file's name has 255 at most
#: the folders of results/ that are no runs, and those that stand beside files named by the user
RESERVED = ("spectra", "noisy", "features", "models", "grids", "comparison", "catalogues", "logs", "benchmarks")
DECIMALS = 4  # of a noise level, which is part of file names: 0.0001, not 1e-05


def _free(name):
    if name in RESERVED:
        raise ValueError(f"results/{name} is a folder of the pipeline; take another name than {', '.join(RESERVED)}")
    return name


def _each_once(values):
    if len(set(values)) < len(values):
        raise ValueError("one stands there twice")
    return values


def _decimals(level):
    if round(level, DECIMALS) != level:
        raise ValueError(f"a noise level is part of file names and has {DECIMALS} decimals at most")
    return level + 0.0  # -0.0 is 0.0


Once = AfterValidator(_each_once)  # of a list
Finite = Annotated[float, Field(allow_inf_nan=False)]
#: letters are small, so that no two names are one file where the system does not tell small from capital ones
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=LONGEST)]
ModelName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=LONGEST)]
NewName = Annotated[Name, AfterValidator(_free)]
NoiseLevel = Annotated[float, Field(ge=0, le=10), AfterValidator(_decimals)]
Stars = Annotated[int, Field(ge=50, le=10**15)]


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def booleans(value, seen=None):
    """Path of the first true or false, which are 1 and 0 to Python; None where there is none.

    What YAML aliases repeat is looked at once.
    """
    seen = set() if seen is None else seen
    if id(value) in seen or not isinstance(value, dict | list):
        return () if isinstance(value, bool) else None
    seen.add(id(value))
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        path = booleans(item, seen)
        if path is not None:
            return key, *path
    return None


def known(key, value, names, what="defined"):
    """Raise ``ValueError`` unless ``value`` is one of ``names``; the message names the nearest."""
    if value not in list(names):
        allowed = ", ".join(map(str, names)) or "none"
        raise ValueError(f"{key} = {SHORT.repr(value)}: not {what}; one of {allowed} is allowed{nearest(value, names)}")


class Range(Model):
    low: float
    high: float

    @model_validator(mode="after")
    def _increasing(self):
        if self.high <= self.low:
            raise ValueError(f"high {self.high} must be above low {self.low}")
        return self
