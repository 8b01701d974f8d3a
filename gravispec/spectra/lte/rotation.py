"""Rotational structure of a vibronic band: levels from Hund's case (a) matrices, line strengths from their vectors.

H = T + A Lz Sz + 2/3 lambda (3 Sz^2 - S^2) + B N^2 - D N^4 with N = J - S, and the Lambda doubling of Pi doublets
(Brown & Merer 1979, J. Mol. Spectrosc. 74, 488). The basis runs over Sigma = S ... -S.
"""

from dataclasses import dataclass

import numpy as np

from gravispec.spectra.lte.molecules import State, load_states, term

FORBIDDEN = 1e7  # cm-1: energy of basis functions with |Omega| > J


@dataclass(frozen=True)
class Band:
    """Lines of a band, each array (n_line,)."""

    wavenumber: np.ndarray  # cm-1
    E_low: np.ndarray  # cm-1
    strength: np.ndarray  # Hoenl-London factors: they add up to 2 J'' + 1 for every lower level


def levels(state: State, T: float, v: int, J: np.ndarray, parity: int, rho: float) -> tuple[np.ndarray, np.ndarray]:
    """Energies (n_J, n_level) and vectors (n_J, 2S+1, n_level) of the e (`parity` 1) or f levels (-1)."""
    B, D = state.rotation(v, rho)
    if state.Lambda == 0 and state.multiplicity == 2:  # N is a good quantum number
        N = J - 0.5 * parity
        energy = T + B * N * (N + 1) - D * (N * (N + 1)) ** 2
        energy += 0.5 * state.gamma * np.where(parity > 0, N, -(N + 1))
        vector = np.array([1.0, parity]) / np.sqrt(2.0)
        return energy[:, None], np.broadcast_to(vector[:, None], (J.size, 2, 1))
    S = 0.5 * (state.multiplicity - 1)
    sigma = S - np.arange(state.multiplicity)
    omega = state.Lambda + sigma
    JJ, SS = (J * (J + 1))[:, None], S * (S + 1)
    N2 = np.zeros((J.size, sigma.size, sigma.size))
    diagonal = np.arange(sigma.size)
    N2[:, diagonal, diagonal] = JJ + SS - 2.0 * omega * sigma
    up, low = diagonal[:-1], diagonal[1:]
    couples = np.maximum(JJ - omega[:-1] * (omega[:-1] - 1.0), 0.0) * (SS - sigma[:-1] * (sigma[:-1] - 1.0))
    N2[:, up, low] = N2[:, low, up] = -np.sqrt(couples)
    H = B * N2 - D * N2 @ N2
    H[:, diagonal, diagonal] += T + state.A * state.Lambda * sigma + state.spin_spin * (2.0 * sigma**2 - 2.0 / 3.0 * SS)
    if state.Lambda == 1 and state.multiplicity == 2:
        half = 0.5 * parity * (J + 0.5)
        H[:, 1, 1] -= half * (state.p + 2.0 * state.q)
        H[:, 0, 1] += half * state.q * np.sqrt(np.maximum((J + 0.5) ** 2 - 1.0, 0.0))
        H[:, 1, 0] = H[:, 0, 1]
    H[:, diagonal, diagonal] += np.where(np.abs(omega) > J[:, None], FORBIDDEN, 0.0)
    return np.linalg.eigh(H)


def direction_cosine(J: np.ndarray, omega: np.ndarray, dJ: int, dOmega: int) -> np.ndarray:
    """Size of sqrt(2J+1) <J Omega 1 dOmega | J+dJ Omega+dOmega>, (n_J, n_omega), for dOmega of 1 or -1 (Edmonds 1957).

    The squares add up to 2J+1 over dJ; the sign depends on dJ and dOmega only, so that it does not matter here.
    """
    J, m = J[:, None], dOmega * omega[None, :]
    if dJ == 1:
        square = (J + m + 1) * (J + m + 2) / (2 * (J + 1))
    elif dJ == 0:
        square = (J - m) * (J + m + 1) * (2 * J + 1) / (2 * J * (J + 1))
    else:
        square = (J - m - 1) * (J - m) / (2 * J)
    return np.sqrt(np.where((np.abs(m) <= J) & (np.abs(m + 1) <= J + dJ), square, 0.0))


def band_lines(molecule: str, upper: str, lower: str, v_up: int, v_low: int, J_max: int, rho: float = 1.0) -> Band:
    """All lines of a perpendicular band with J'' up to `J_max`; `rho` as in `State.vibration`."""
    states = load_states()[molecule]
    up, low = states[upper], states[lower]
    S = 0.5 * (low.multiplicity - 1)
    omega = low.Lambda + S - np.arange(low.multiplicity)
    T_up, T_low = term(molecule, upper, v_up, rho), term(molecule, lower, v_low, rho)
    doubled = low.Lambda == 0  # otherwise the e and f levels coincide
    start = max(0.5, abs(omega).min())
    lines = []
    for parity in (1, -1) if doubled else (1,):
        for dJ in (1, 0, -1):
            J = np.arange(max(start, start - dJ), J_max)
            E_low, c_low = levels(low, T_low, v_low, J, parity, rho)
            E_up, c_up = levels(up, T_up, v_up, J + dJ, parity if dJ else -parity, rho)
            cosine = direction_cosine(J, omega, dJ, up.Lambda - low.Lambda)
            strength = np.einsum("jsu,jsl,js->jul", c_up, c_low, cosine) ** 2 * (1.0 if doubled else 2.0)
            wavenumber = E_up[:, :, None] - E_low[:, None, :]
            E = np.broadcast_to(E_low[:, None, :], strength.shape)
            real = (E_up[:, :, None] < 0.5 * FORBIDDEN) & (E < 0.5 * FORBIDDEN)
            lines.append(np.stack([wavenumber[real], E[real], strength[real]]))
    return Band(*np.concatenate(lines, axis=1))
