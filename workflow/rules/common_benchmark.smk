# What benchmarks and comparisons with baselines are made of: files of other runs - functions only.
from gravispec.config_benchmark import mixture_at, tower_at


wildcard_constraints:
    benchmark_run=one_of(runs_of("benchmark")),
    baseline_comparison=one_of(settings.baseline_comparisons),


def benchmark_mixtures(wildcards):
    """Input: predictions of the mixture of experts at every noise level."""
    run = settings.runs[named_run(wildcards)]
    names = [mixture_at(settings.runs, run, level) for level in run.levels()]
    return expand("results/{run}/predictions.parquet", run=names)


def benchmark_towers(wildcards):
    """Input: predictions of the tower at every noise level."""
    run, files = settings.runs[named_run(wildcards)], []
    for level in run.levels():
        tower_run, tower = tower_at(settings.runs, run, level)
        names = dict(tower_run=tower_run, tower=tower, level=level, mode=run.ridge_mode)
        files.append(f"{TOWER}_predictions.parquet".format(**names))
    return files


def benchmark_baselines(wildcards):
    """Input: predictions of the baselines, all of them at one noise level after the other."""
    run = settings.runs[wildcards.benchmark_run]
    return [
        BASELINE.format(
            dataset=run.dataset, level=level, n_train=run.n_train, baseline=baseline
        )
        for level in run.levels()
        for baseline in run.baselines
    ]


def benchmark_summary(wildcards):
    """Param: what the table of a benchmark says beside its predictions."""
    return dict(
        n_train=settings.runs[wildcards.benchmark_run].n_train,
        confidence=settings.evaluation.confidence,
    )


def compared_mixture(wildcards):
    """Input: predictions of the mixture of experts that a baseline is compared with."""
    run = settings.baseline_comparisons[wildcards.baseline_comparison].run
    return f"results/{run}/predictions.parquet"


def compared_baseline(wildcards):
    """Input: predictions of the baseline, on the data set and at the noise level of the run."""
    comparison = settings.baseline_comparisons[wildcards.baseline_comparison]
    run = settings.runs[comparison.run]
    return BASELINE.format(
        dataset=run.dataset,
        level=run.noise_level,
        n_train=comparison.n_train,
        baseline=comparison.baseline,
    )


def about_comparison(wildcards):
    """Param: what is compared."""
    comparison = settings.baseline_comparisons[wildcards.baseline_comparison]
    run = settings.runs[comparison.run]
    return dict(
        name=comparison.baseline,
        noise_level=run.noise_level,
        n_train=run.n_train,
        n_train_baseline=comparison.n_train,
    )
