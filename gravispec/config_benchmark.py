"""The runs that a benchmark is made of: those of the configuration where they fit, and implied ones for the rest."""

from gravispec.config_runs import FeatureSet, MoeRun, TowerRun


def mixture_at(runs, benchmark, level):
    """Name of the first mixture of experts on the benchmark's stars at this noise level, or None."""
    wanted = (benchmark.dataset, benchmark.n_train, level)
    names = (n for n, run in runs.items() if run.kind == "moe")
    return next((n for n in names if (runs[n].dataset, runs[n].n_train, runs[n].noise_level) == wanted), None)


def tower_at(runs, benchmark, level):
    """``(run, tower)`` of the first tower on the benchmark's stars and families at this noise level, or None."""
    for name, run in runs.items():
        if run.kind == "tower" and (run.dataset, run.n_train) == (benchmark.dataset, benchmark.n_train):
            for tower, about in run.towers.items():
                same = about.families == benchmark.families and benchmark.ridge_mode in run.ridge_modes
                if same and level in about.noise_levels:
                    return name, tower
    return None


def with_implied_runs(runs):
    """``runs`` and, after them, those that their benchmarks need and that are missing.

    A benchmark ``b`` implies ``b_moe_0p1`` where no run is a mixture of experts on its stars at noise level 0.1, and
    ``b_towers`` for the missing towers. Raises ``ValueError`` where another run has such a name.
    """
    found = dict(runs)
    for name, benchmark in runs.items():
        if benchmark.kind != "benchmark":
            continue
        stars = {"dataset": benchmark.dataset, "n_train": benchmark.n_train}
        for level in benchmark.levels():
            if mixture_at(found, benchmark, level) is None:
                _add(found, f"{name}_moe_{level}".replace(".", "p"), MoeRun(**stars, noise_level=level), name)
        missing = [level for level in benchmark.levels() if tower_at(found, benchmark, level) is None]
        if missing:
            towers = {"tower": FeatureSet(families=benchmark.families, noise_levels=missing)}
            run = TowerRun(kind="tower", **stars, towers=towers, ridge_modes=[benchmark.ridge_mode])
            _add(found, f"{name}_towers", run, name)
    return found


def _add(runs, name, run, benchmark):
    if name in runs:
        raise ValueError(f"runs.{name}: benchmark {benchmark} needs this name for a run of its own; rename yours")
    runs[name] = run
