# The global Ridge and the principal components, once for a data set, noise level and training size; shared by runs.
# Needs: results/noisy.  Makes: results/features/.../ridge.npz, ridge_folds.npz, pca.npz.


rule moments:
    """Moments of the training spectra of one fold of the global Ridge's cross-validation."""
    input:
        code=code("moments.py"),
        stars=STARS,
        flux=sharded(NOISY),
    output:
        temp(f"{TRAINED}/moments/{{fold}}.npz"),
    log:
        f"{TRAINED}/logs/moments_{{fold}}.log",
    benchmark:
        f"{TRAINED}/benchmarks/moments_{{fold}}.tsv"
    priority: 1  # before the experts, since the features wait for them
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        gpu=0,
        device=config["device"],
        mem_mb=by_attempt(1500),
        runtime=by_attempt(60),
    params:
        code=code_sha("moments.py"),
        seed=config["seed"],
        folds=config["ridge"]["folds"],
        n_train=lambda wc: int(wc.n_train),
    message:
        "Moments of fold {wildcards.fold}: {wildcards.n_train} stars of {wildcards.dataset}, noise {wildcards.level}"
    script:
        "../scripts/moments.py"


rule global_ridge:
    """The global Ridge, its cross-validation fits and the principal components, from the moments."""
    input:
        code=code("global_ridge.py"),
        moments=expand(
            f"{TRAINED}/moments/{{fold}}.npz",
            fold=range(settings.ridge.folds),
            allow_missing=True,
        ),
    output:
        ridge=f"{TRAINED}/ridge.npz",
        ridge_folds=f"{TRAINED}/ridge_folds.npz",
        pca=f"{TRAINED}/pca.npz",
    log:
        f"{TRAINED}/logs/global_ridge.log",
    benchmark:
        f"{TRAINED}/benchmarks/global_ridge.tsv"
    priority: 1
    conda:
        "../../envs/cpu.yaml"
    threads: 2
    resources:
        gpu=0,
        device=config["device"],
        mem_mb=by_attempt(3000),
        runtime=by_attempt(30),
    params:
        code=code_sha("global_ridge.py"),
        seed=config["seed"],
        alphas=ALPHAS,
        n_train=lambda wc: int(wc.n_train),
    message:
        "Global Ridge and principal components on {wildcards.n_train} stars of {wildcards.dataset}, noise {wildcards.level}"
    script:
        "../scripts/global_ridge.py"
