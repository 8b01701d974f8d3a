"""What is asked of a file beside its spectra."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Asked:
    """Names of columns, and whether spectra without errors are wanted, too."""

    velocity: str | None = None  # km/s
    fwhm: str | None = None  # of the lines, Å or in the unit of the column
    R: str | None = None  # wavelength / fwhm
    snr: str | None = None  # of spectra without errors
    without_errors: bool = False
