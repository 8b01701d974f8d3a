# Families of features, once for a data set, noise level and training size: a module of gravispec/features each.
# Needs: results/noisy, results/features/.../ridge.npz, ridge_folds.npz, pca.npz.  Makes: results/features.
FEATURES_OF_SHARD = f"{TRAINED}/{{feature}}/{{shard}}.npy"
FAMILY_FIT = f"{TRAINED}/{{family}}.safetensors"


def feature_inputs(wildcards):
    """Input: the files that a family says it reads, of the stars of the shard."""
    family, _ = FEATURES[wildcards.feature]
    names = dict(wildcards.items(), family=family)
    found = {
        name: path.format(**names)
        for name, path in {**FILES, "fitted": FAMILY_FIT}.items()
        if name in {*READS[family], "wave"}  # which errors of built-in spectra follow from
    }
    return found


def family_and_mode(wildcards):
    """Param: which family it is, and its mode, if it has one."""
    return dict(zip(("name", "mode"), FEATURES[wildcards.feature]))


def family_module(wildcards):
    return f"gravispec/features/{FEATURES[wildcards.feature][0]}.py"


rule family_fit:
    """What a family fits before its features are computed, where it does."""
    input:
        unpack(lambda wc: files_of(fit_inputs_of(wc.family), **dict(wc.items()))),
        code=code("family_fit.py"),
        family=lambda wc: tracked(f"gravispec/features/{wc.family}.py"),
        stars=STARS,
    output:
        FAMILY_FIT,
    log:
        f"{TRAINED}/logs/fit_{{family}}.log",
    benchmark:
        f"{TRAINED}/benchmarks/fit_{{family}}.tsv"
    conda:
        "../../envs/gpu.yaml"
    threads: 2
    resources:
        **needs("family_fit", gpu=GPU, device=config["device"]),
    params:
        code=code_sha("family_fit.py"),
        family_code=lambda wc: code_sha(f"gravispec/features/{wc.family}.py"),
        seed=config["seed"],
        validation=config["validation"],
        noise_level=lambda wc: float(wc.level),
        n_train=lambda wc: int(wc.n_train),
    script:
        "../scripts/family_fit.py"


rule feature:
    """One family of features of a shard of stars."""
    input:
        unpack(feature_inputs),
        code=code("feature.py"),
        family=lambda wc: tracked(family_module(wc)),
    output:
        temp(FEATURES_OF_SHARD),
    log:
        f"{TRAINED}/logs/feature_{{feature}}_{{shard}}.log",
    benchmark:
        f"{TRAINED}/benchmarks/feature_{{feature}}_{{shard}}.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        **needs("feature"),
    params:
        code=code_sha("feature.py"),
        family_code=lambda wc: code_sha(family_module(wc)),
        family=family_and_mode,
        noise_level=lambda wc: float(wc.level),
        n_train=lambda wc: int(wc.n_train),
        shard=lambda wc: shard_of_stars(wc)[:2],
    script:
        "../scripts/feature.py"


rule feature_table:
    """The features of all shards in one table, a row a star."""
    input:
        code=code("feature_table.py"),
        family=lambda wc: tracked(family_module(wc)),
        stars=STARS,
        shards=sharded(FEATURES_OF_SHARD),
    output:
        f"{TRAINED}/{{feature}}.parquet",
    log:
        f"{TRAINED}/logs/table_{{feature}}.log",
    benchmark:
        f"{TRAINED}/benchmarks/table_{{feature}}.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        **needs("feature_table"),
    params:
        code=code_sha("feature_table.py"),
        family_code=lambda wc: code_sha(family_module(wc)),
        family=family_and_mode,
        noise_level=lambda wc: float(wc.level),
        n_train=lambda wc: int(wc.n_train),
    script:
        "../scripts/feature_table.py"
