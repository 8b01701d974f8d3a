"""What the header of a trained run says, and the values that it can have."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from gravispec.config.errors import one_line
from gravispec.errors import InputError
from gravispec.labels import LABELS
from gravispec.options import NotNegative, Positive

Limits = Annotated[list[float], Field(min_length=2, max_length=2)]


class _About(BaseModel):
    model_config = ConfigDict(strict=True, allow_inf_nan=False)


class OfRun(_About):
    """The whole run."""

    run: str
    leading: str
    labels: dict[str, str]
    normalisation: dict
    config: dict
    code: str
    version: str


class OfLevel(_About):
    """One noise level; ranges are limits of what training stars have."""

    noise_level: NotNegative
    n_train: int
    continuum: NotNegative
    shown: Annotated[list[str], Field(min_length=1)]
    label_range: dict[str, Limits]
    bins: dict[str, Limits]
    snr_range: Limits
    snr_median: Positive
    chi2_limit: Positive

    @model_validator(mode="after")
    def _of_the_labels(self):
        for name, labels in (("label_range", LABELS), ("bins", LABELS[1:])):
            if set(getattr(self, name)) != set(labels):
                raise ValueError(f"{name}: limits of {', '.join(labels)} are needed")
        for low, high in (self.snr_range, *self.label_range.values(), *self.bins.values()):
            if high < low:
                raise ValueError(f"limits {low:g}, {high:g} do not rise")
        return self


def check(kind, about, prefix=()):
    """Raise ``InputError`` with one line unless the dictionary ``about`` is a ``kind``: ``OfRun`` or ``OfLevel``."""
    try:
        kind.model_validate(about)
    except ValidationError as error:
        raise InputError(one_line(error, kind, prefix=prefix)) from None
