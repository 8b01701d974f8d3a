# Pages that people read: one HTML file for a run, which works without a network.
# Needs: the tables of results/{run}, checked.  Makes: results/{run}/report.html.
RUN_PAGE = "results/{run}/report.html"


rule page:
    """Verdict, every test star, coverage, stress, bins, curves, spectra, provenance, REFORMS sheet. Nothing is measured in it."""
    input:
        **dict(rules.tables.output.items()),
        **dict(rules.quality.output.items()),
        code=code("page.py"),
        predictions="results/{run}/predictions.parquet",
        calibration=rules.quality.input.calibration,
        stress=rules.stress_table.output[0],
        validated=rules.validate.output[0],
        wave=runs.in_dataset(WAVE),
        noisy=runs.in_dataset(NOISY, ["test"]),
        sigma=runs.in_dataset(SIGMA, ["test"]),
        pca=runs.at_lowest(f"{TRAINED}/pca.npz"),
    output:
        report(
            RUN_PAGE,
            category="{run}",
        ),
    log:
        "results/{run}/logs/page.log",
    benchmark:
        "results/{run}/benchmarks/page.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        **needs("page"),
    params:
        code=code_sha("page.py"),
        behind=behind("report.html"),
        confidence=config["evaluation"]["confidence"],
        bin_names=BIN_NAMES,
        levels=lambda wc: [float(level) for level in runs.levels(wc)],
        models=runs.models,
        run=runs.entry,
    script:
        "../scripts/page.py"
