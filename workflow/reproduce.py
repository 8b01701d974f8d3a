"""A finished run made again in a fresh folder, from the same commit and configuration: make reproduce RUN=moe_smoke.

Exit status 0: every table is the same, to ``TOLERANCE``; 1: one is not, or what the run was made of has changed since.
"""

import contextlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from gravispec.data.provenance import changes

#: largest |difference| / (1 + |value|): of statistics (CSV), and of single stars (parquet)
TOLERANCE = {".csv": 1e-6, ".parquet": 1e-4}


def main(run, cores="all"):
    """Returns what to exit with."""
    path = Path("results") / run / "provenance.json"
    if not path.exists():
        return f"{path}: not there; make the run first: make results/{run}/summary.csv"
    before = json.loads(path.read_text())
    files = before["inputs"] | before["outputs"]
    problems = [f"{name}: {what}" for name, what in changes(files).items()]
    if problems:
        return "\n".join([*problems, f"{run} is not what {path} says; make it again: make results/{run}/summary.csv"])
    with _fresh_folder([name for name in files if not name.startswith("results/")]) as folder:
        command = [sys.executable, "-m", "snakemake", f"-c{cores}", f"results/{run}/summary.csv"]
        if subprocess.run(command, cwd=folder).returncode:
            return f"{run} cannot be made in {folder}, see above"
        after = json.loads((folder / path).read_text())
        for what in ("versions", "config", "code"):
            old, new = before[what], after[what]
            problems += [f"{what} of {key} differs" for key in sorted({*old, *new}) if old.get(key) != new.get(key)]
        tables = [name for name in files if Path(name).suffix in TOLERANCE and name.startswith("results/")]
        for name in tables:
            off = difference(name, folder / name)
            print(f"{name}: {'identical' if off == 0 else f'differs by {off:.1e}'}")
            if not off <= TOLERANCE[Path(name).suffix]:
                problems.append(f"{name}: differs by {off:.1e}, more than {TOLERANCE[Path(name).suffix]:g}")
    return "\n".join(problems) or print(f"{run}: {len(tables)} tables reproduced") or 0


def difference(one, other):
    """Largest |difference| / (1 + |value|) of the numbers in two tables; infinite where anything else differs."""
    read = pd.read_csv if Path(one).suffix == ".csv" else pd.read_parquet
    one, other = read(one), read(other)
    if one.shape != other.shape or list(one) != list(other):
        return np.inf
    numbers = one.select_dtypes("number").columns
    if not one.drop(columns=numbers).equals(other.drop(columns=numbers)):
        return np.inf
    a, b = (table[numbers].to_numpy(float, na_value=np.nan) for table in (one, other))
    if not np.array_equal(np.isnan(a), np.isnan(b)):
        return np.inf
    return float(np.nanmax(np.abs(a - b) / (1 + np.abs(a)), initial=0.0))


@contextlib.contextmanager
def _fresh_folder(files):
    """The last commit with this folder's configuration, and links to the user's files; gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="gravispec_") as parent:
        folder = Path(parent) / "fresh"
        subprocess.run(["git", "worktree", "add", "--quiet", "--detach", folder, "HEAD"], check=True)
        try:
            (folder / "config/config.yaml").write_bytes(Path("config/config.yaml").read_bytes())
            for name in files:
                if not Path(name).is_absolute():
                    (folder / name).parent.mkdir(parents=True, exist_ok=True)
                    (folder / name).symlink_to(Path(name).resolve())
            yield folder
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", folder], check=True)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
