# Pages that people read: one HTML file for a run, one for a catalogue, which work without a network.
# Needs: the tables of results/{run}, checked; the parts of catalogues.  Makes: results/{run}/report.html, catalogues/*.html.


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
        shown("results/{run}/report.html", "page: everything about the run", kind="page"),
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


rule catalogue_page:
    """Kiel diagram, flags, S/N, outliers, the spectra that the parts kept, problems, provenance."""
    input:
        code=code("catalogue_page.py"),
        models=catalogue_models,
        rows=catalogue_parts(f"{PART}.rows.parquet"),
        spectra=catalogue_parts(f"{PART}.spectra.parquet"),
        problems=catalogue_parts(f"{PART}.problem.txt"),
    output:
        shown(
            "results/catalogues/{catalogue}.html",
            "{catalogue}",
            kind="page",
            caption="catalogue",
            category="catalogues",
        ),
    log:
        "results/catalogues/logs/{catalogue}.page.log",
    benchmark:
        "results/catalogues/benchmarks/{catalogue}.page.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        **needs("catalogue_page"),
    params:
        code=code_sha("catalogue_page.py"),
    script:
        "../scripts/catalogue_page.py"
