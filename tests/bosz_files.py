"""A small tree of files in the layout of the BOSZ 2024 release, with analytic spectra, and a server that offers it."""

import gzip
import http.server
import itertools
import threading
from collections import Counter
from functools import partial

import numpy as np

from gravispec.spectra.wavelength import air_to_vacuum

# air, Å
LINES = {5889.951: 0.6, 5895.924: 0.5, 8183.256: 0.3, 8194.824: 0.4, 8498.02: 0.6, 8542.09: 0.7, 8662.14: 0.65}
LINES[8688.6] = 0.3
COVERED = ((5850.0, 5930.0), (7820.0, 8960.0))  # Å: shorter files than the published ones


def published_wave(r, covered=COVERED):
    """Wavelengths (n,) with two points a resolution element."""
    return np.concatenate([np.exp(np.arange(np.log(lo), np.log(hi), 0.5 / r)) for lo, hi in covered])


def spectrum(wave, T_eff, log_g, M_H, *, r, medium="air"):
    """Flux and continuum (n,) with Gaussian lines that depend on the labels, widened to resolution ``r``."""
    continuum = 1e6 * (T_eff / 5000) ** 4 * (1 + (T_eff - 5000) * 1e-7 * (wave - 8400))
    depth = np.zeros_like(wave)
    for i, (air, strength) in enumerate(LINES.items()):
        centre = air if medium == "air" else air_to_vacuum(air)
        sigma = np.hypot(0.8 + 0.1 * log_g, air / r / 2.3548)
        strength = strength * np.exp(0.15 * M_H - (0.1 + 0.03 * i) * (log_g - 3) - (T_eff - 5000) / 8000) / sigma
        depth += strength * np.exp(-0.5 * ((wave - centre) / sigma) ** 2)
    return continuum * (1 - 0.5 * depth), continuum


def name(T_eff, log_g, M_H, r):
    """The published name, written out here once more, from facts/bosz2024.md."""
    code = "ms" if log_g < 3.5 else "mp"
    return f"r{r}/m{M_H:+.2f}/bosz2024_{code}_t{T_eff:d}_g{log_g:+.1f}_m{M_H:+.2f}_a+0.00_c+0.00_v2_r{r}_resam.txt.gz"


def write_tree(root, T_eff, log_g, M_H, *, r=5000, medium="air"):
    """All models of three lists of nodes below ``root``."""
    wave = published_wave(r)
    (root / "wavelength_grids").mkdir(parents=True)
    np.savetxt(root / f"wavelength_grids/bosz2024_wave_r{r}.txt", wave, fmt="%.6f")
    for labels in itertools.product(T_eff, log_g, M_H):
        path = root / name(*labels, r)
        path.parent.mkdir(parents=True, exist_ok=True)
        columns = np.column_stack(spectrum(wave, *labels, r=r, medium=medium)) / (4 * np.pi)
        with gzip.open(path, "wt", compresslevel=1) as file:
            np.savetxt(file, columns, fmt="%.6e")
    return root


class Archive:
    """An HTTP server on 127.0.0.1 of the files below ``root``.

    ``failures`` maps a path to what happens at the next requests: a status, or "cut" for a connection that breaks off.
    ``asked`` counts the requests.
    """

    def __init__(self, root):
        self.asked, self.failures = Counter(), {}
        archive = self

        class Handler(http.server.SimpleHTTPRequestHandler):
            def do_GET(self):
                name = self.path.lstrip("/")
                archive.asked[name] += 1
                waiting = archive.failures.get(name, [])
                failure = waiting.pop(0) if waiting else None
                if failure == "cut":
                    content = (root / name).read_bytes()
                    self.send_response(200)
                    self.send_header("Content-Length", str(len(content)))
                    self.end_headers()
                    self.wfile.write(content[: len(content) // 2])
                elif failure:
                    self.send_error(failure)
                else:
                    super().do_GET()

            def do_HEAD(self):
                archive.asked[f"HEAD {self.path}"] += 1
                super().do_HEAD()

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(root)))
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *error):
        self.server.shutdown()
        self.server.server_close()
