# What a trained run says about itself - functions only.


def about_run(wildcards):
    """Param: what the file of a trained run says about it."""
    return dict(
        run=wildcards.run,
        noise_level=settings.runs[wildcards.run].noise_level,
        edges=dict(T_eff=settings.bins.T_eff, M_H=settings.bins.M_H),
        bin_names=BIN_NAMES,
        fallback_weight=settings.gates.fallback_weight,
        config=config_of(wildcards.run, "seed", "ridge", "bins", "gates"),
    )


def spectra_of_run(wildcards):
    """Param: noise, normalisation and line spread function of the spectra of a run."""
    run = settings.runs[wildcards.run]
    dataset = settings.datasets[run.dataset]
    sharpness = dataset if dataset.kind == "pfsspec" else settings.grids[dataset.grid]
    return dict(noise_level=run.noise_level, median=dataset.median, fwhm=sharpness.fwhm)
