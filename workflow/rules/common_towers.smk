# What tower runs are made of - functions only.
TOWERS = sorted({name for run in runs_of("tower").values() for name in run.towers})
TOWER = "results/{tower_run}/towers/{tower}/noise_{level}/{mode}"


wildcard_constraints:
    tower=one_of(TOWERS),


def of_tower_run(pattern):
    """Input: a path with the data set and training size of the run filled in."""
    return lambda wildcards: pattern.format(
        **dict(wildcards.items()),
        dataset=settings.runs[wildcards.tower_run].dataset,
        n_train=settings.runs[wildcards.tower_run].n_train,
    )


def tower_families(wildcards):
    """Param: the families of a tower."""
    return settings.runs[wildcards.tower_run].towers[wildcards.tower].families


def tower_features(wildcards):
    """Input: the tables of a tower's families."""
    run = settings.runs[wildcards.tower_run]
    return [
        feature_file(
            family,
            dataset=run.dataset,
            level=wildcards.level,
            n_train=run.n_train,
            mode=wildcards.mode,
        )
        for family in tower_families(wildcards)
    ]


def trained_towers(wildcards):
    """Param: name, noise level and mode of every tower of the run, or of one of them."""
    run = settings.runs[named_run(wildcards)]
    wanted = [wildcards.tower] if "tower" in wildcards.keys() else run.towers
    return [
        dict(tower=name, families=tower.families, noise_level=level, mode=mode)
        for name, tower in run.towers.items()
        if name in wanted
        for level in tower.noise_levels
        for mode in run.ridge_modes
    ]


def tower_files(suffix):
    """Input: a file of every tower of the run, or of one of them, in the order of ``trained_towers``."""
    pattern = "results/{run}/towers/{tower}/noise_{noise_level}/{mode}"
    return lambda wildcards: [
        pattern.format(run=wildcards.tower_run, **tower) + suffix
        for tower in trained_towers(wildcards)
    ]


def tower_scores_of_run(wildcards):
    """Input: the scores of every set of families of the run."""
    return expand(
        "results/{tower_run}/ablation_{tower}.json",
        tower_run=wildcards.tower_run,
        tower=settings.runs[wildcards.tower_run].towers,
    )
