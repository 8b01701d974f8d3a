"""The tables of a run, and what each is computed from again: questions of the rule ``validate``, no Snakemake."""

from types import SimpleNamespace

from workflow.plan import EXPERT, FILES, MODEL, NOISY, STARS, TRAINED
from workflow.plan_runs import Runs

TABLES = ("bootstrap", "per_bin", "by_snr", "hypotheses", "training_curves", "calibration", "residuals")
TABLES += ("giants_dwarfs", "posteriors", "stress")


class RunTables:
    """Of a ``Runs``; functions take the wildcards of a job with the run among them."""

    def __init__(self, runs: Runs):
        self.runs, self.plan, self.settings = runs, runs.plan, runs.settings

    def paths(self, wildcards):
        """``{schema: paths}`` of every table of a run but its summary: those of gravispec/data/schemas.py."""
        folder, fits = f"results/{wildcards.run}", self.fits(wildcards)
        at_levels = [f"{folder}/calibration/noise_{level}.json" for level in self.runs.levels(wildcards)]
        return {
            "stars": [STARS.format(dataset=self.runs.of(wildcards).dataset)],
            "features": list(dict.fromkeys(path for fit in fits for path in fit["files"].get("features", []))),
            "quality": self.runs.in_cells(f"{TRAINED}/quality.parquet")(wildcards),
            "experts": [FILES["experts"].format(**at) for at in self._with_experts(wildcards)],
            "model_predictions": self.runs.in_cells(f"{MODEL}/predictions.parquet", per_model=True)(wildcards),
            "predictions": [f"{folder}/predictions.parquet"],
            "samples": [f"{folder}/bootstrap_samples.parquet"],
            "calibrations": at_levels,
            **{table: [f"{folder}/{table}.csv"] for table in TABLES},
        }

    def computed_from(self, wildcards):
        """Models, spectra and a user's files that tables are computed from again."""
        fits, experts = self.fits(wildcards), self.experts(wildcards)
        found = [path for fit in fits for path in (fit["model"], *fit["files"].values())]
        found += [paths for one in experts for paths in one.values()]
        found = [path for paths in found for path in ([paths] if isinstance(paths, str) else paths)]
        return list(dict.fromkeys([*found, *self.user_files(wildcards)]))

    def modules(self, wildcards):
        """The modules of all models of a run."""
        return self.plan.modules(self.runs.of(wildcards).names())

    def settings_behind(self, wildcards):
        """The settings that decide what is in the tables of a run."""
        runs, settings, config = self.runs, self.settings, self.runs.config
        dataset = config["datasets"][runs.of(wildcards).dataset]
        found = {
            "run": runs.entry(wildcards),
            "models": runs.models(wildcards),
            "cells": runs.cells(wildcards),
            "deployed": [(float(level), runs.deployed(wildcards, level)[1]) for level in runs.levels(wildcards)],
            "leading": runs.leading(wildcards),
            "fits": self.fits(wildcards),
            "experts": self.experts(wildcards),
            "user_files": self.user_files(wildcards),
            "seed": settings.seed,
            "validation": config["validation"],
            "edges": {"T_eff": settings.bins.T_eff, "M_H": settings.bins.M_H},
            "bin_names": settings.bins.names(),
            "resamples": settings.evaluation.resamples,
            "confidence": settings.evaluation.confidence,
        }
        if dataset["kind"] == "lte":
            names = list(settings.grids[dataset["grid"]].ranges())
            found |= {"labels": dataset["labels"], "n_stars": dataset["n_stars"], "names": names}
            found["nuisances"] = dataset.get("nuisances")
        return found

    def fits(self, wildcards):
        """For every cell and model its module, options and file, and the files that it predicts from."""
        found = []
        for at, names in self.runs.places(wildcards):
            for name in names:
                one = at | {"model": name}
                files = self.plan.model_inputs("read_to_predict")(SimpleNamespace(model=name, items=one.items))
                files["stars"] = STARS.format(**at)
                fit = {"noise_level": at["level"], "model": self.plan.model_file(name, **at), "files": files}
                found.append(fit | self.plan.module_and_options(name))
        return found

    def experts(self, wildcards):
        """For every cell with experts their files, and the spectra that they label."""
        bins = range(len(self.settings.bins.names()))
        return [
            {
                "experts": [EXPERT.format(bin=k, **at) for k in bins],
                "flux": self.plan.all_shards(NOISY, ["val", "test"], **at),
            }
            for at in self._with_experts(wildcards)
        ]

    def user_files(self, wildcards):
        """The files of a data set of a user's own spectra."""
        dataset = self.settings.datasets[self.runs.of(wildcards).dataset]
        return [dataset.train, dataset.val, dataset.test] if dataset.kind == "pfsspec" else []

    def _with_experts(self, wildcards):
        return [at for at, names in self.runs.places(wildcards) if self.plan.with_experts(names)]
