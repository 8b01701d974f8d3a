# What is computed once for a data set, noise level and training size, and shared by runs.
# Needs: results/noisy.  Makes: results/features.


rule global_ridge:
    """The global Ridge and the principal components, from one pass over the training spectra."""
    input:
        code=code("global_ridge.py"),
        stars=STARS,
        flux=NOISY,
    output:
        ridge=f"{TRAINED}/ridge.npz",
        pca=f"{TRAINED}/pca.npz",
    log:
        f"{TRAINED}/logs/global_ridge.log",
    benchmark:
        f"{TRAINED}/benchmarks/global_ridge.tsv"
    priority: 1  # the longest job beside the experts
    conda:
        "../../envs/cpu.yaml"
    threads: 2
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        code=code_sha("global_ridge.py"),
        seed=config["seed"],
        alphas=ALPHAS,
        folds=config["ridge"]["folds"],
        n_train=lambda wc: int(wc.n_train),
        n_components=4,
    message:
        "Global Ridge and principal components on {wildcards.n_train} stars of {wildcards.dataset}, noise {wildcards.level}"
    script:
        "../scripts/global_ridge.py"


rule window:
    """Line depths, equivalent widths and principal components: the gate features."""
    input:
        code=code("window.py"),
        stars=STARS,
        wave="results/spectra/{dataset}/wave.npy",
        flux=NOISY,
        pca=f"{TRAINED}/pca.npz",
    output:
        f"{TRAINED}/window.parquet",
    log:
        f"{TRAINED}/logs/window.log",
    benchmark:
        f"{TRAINED}/benchmarks/window.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=1000,
        runtime=20,
    params:
        code=code_sha("window.py"),
    message:
        "Gate features of {wildcards.dataset}, noise {wildcards.level}"
    script:
        "../scripts/window.py"
