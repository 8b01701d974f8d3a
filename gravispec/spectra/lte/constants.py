"""Physical constants in cgs units (CODATA, through scipy)."""

from scipy import constants

PLANCK = constants.h * 1e7  # erg s
BOLTZMANN = constants.k * 1e7  # erg K-1
LIGHT_SPEED = constants.c * 1e2  # cm s-1
ELECTRON_MASS = constants.m_e * 1e3  # g
ELECTRON_CHARGE = constants.e * constants.c * 10  # esu
ATOMIC_MASS = constants.atomic_mass * 1e3  # g
ELECTRON_VOLT = constants.e * 1e7  # erg
RYDBERG_EV = 13.598  # ionisation energy of hydrogen, eV
BOHR_RADIUS = constants.physical_constants["Bohr radius"][0] * 1e2  # cm
