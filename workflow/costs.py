"""What jobs need, from measured costs: seconds, memory and disk, for their resources and before a run starts."""

import math
import os
from collections import Counter
from dataclasses import dataclass, replace
from typing import NamedTuple

from gravispec.plugins.models import plugin

PIXELS = 4096  # of the spectra that the costs were measured with


class Cost(NamedTuple):
    """Of a job: CPU seconds, and ms more a star of the job; MB of memory, matrices of P x P float64, kB a star of the
    data set, for the table of stars, and ``spectra``: how often it holds all its training spectra, float32."""

    seconds: float
    ms: float = 0.0
    MB: float = 300.0
    matrices: float = 0.0
    kB: float = 0.15
    spectra: float = 0.0


#: of the rules whose cost depends on the stars, or that take more than half a minute; models say their own
COSTS = {
    "spectra": Cost(3, 0.20, 350, kB=0),
    "noisy": Cost(2, 0.12, 350, kB=0),
    "moments": Cost(2, 0.30, 350, 1),
    "global_ridge": Cost(27, 0, 300, 2.5, kB=0.01),
    "expert": Cost(18, 0.40, 300, 3.5),
    "feature": Cost(1, 0.10, 370, kB=0.01),
    "feature_table": Cost(1, 0.002, 250),
    "expert_predictions": Cost(2, 0.01, 330),
    "stress": Cost(5, 12.0, 800),
    "shape": Cost(30, 0, 700),
    "grid_shard": Cost(3, 60, 260, kB=0),  # ms a model
    "bosz_shard": Cost(5, 20, 400, kB=0),
    "catalogue_part": Cost(60, 0, 1500, kB=0),
    "catalogue": Cost(60, 0, 3000, kB=0),
    "catalogue_page": Cost(60, 0, 3000, kB=0),
}
OTHER = Cost(4, 0, 550, kB=0.4)
MODEL, MODEL_RULES = Cost(5, 0.01, 550, kB=0.4), ("model", "model_for_all_levels")
MOST_SHARDS = 2000  # of a data set: planning takes 0.03 s a shard
LARGEST_BIN = 0.125  # share of the training stars
MARGIN = 1.4  # of memory, and 5 of time, between what was measured and what is asked of a cluster


@dataclass(frozen=True)
class Need:
    """What one job needs; ``disk`` in bytes."""

    seconds: float
    MB: float
    disk: int

    def megabytes(self):
        """Memory to ask for, MB."""
        return 250 * math.ceil((MARGIN * self.MB + 100) / 250)

    def minutes(self):
        """Time to ask for."""
        return max(10, math.ceil(5 * self.seconds / 60))


class Costs:
    """The needs of the jobs of a configuration, ``gravispec.config.Config``."""

    def __init__(self, settings):
        self.settings = settings

    def of(self, rule, wildcards):
        """`Need` of a job from its rule and wildcards."""
        wildcards = dict(wildcards.items())
        dataset = self.dataset(wildcards)
        cost = COSTS.get(rule, OTHER)
        if rule in MODEL_RULES:
            cost = MODEL._replace(**plugin(self.settings.models[wildcards["model"]]["module"]).cost)
        if "grid" in wildcards:
            return self.of_grid(rule, cost, self.settings.grids[wildcards["grid"]])
        n, pixels = self.stars(rule, wildcards), self.pixels(dataset)
        width = pixels / PIXELS
        MB = cost.MB + cost.matrices * 8e-6 * pixels**2 + 1e-3 * cost.kB * sum(self.sizes(dataset).values())
        MB += cost.spectra * 4e-6 * pixels * n
        disk = n * self.bytes_of_star(rule, dataset) + (8 * pixels**2 if rule == "moments" else 0)
        return Need(cost.seconds + 1e-3 * cost.ms * n * width, MB, int(disk))

    def of_grid(self, rule, cost, grid):
        """`Need` of a job of a grid: models are float64, on disk in shards, together in the memory of the last job."""
        pixels, n = grid.pixels.n, grid.n_models
        if not rule.endswith("_shard"):
            # the shards and all of them in one array, and five matrices of the basis (gravispec/spectra/grid.py)
            matrices = {"grid": 5, "bosz_grid": 5}.get(rule, 0) * min(n, pixels) ** 2
            return Need(cost.seconds, cost.MB + 8e-6 * (2 * n * pixels + matrices) * (matrices > 0), 0)
        disk = 8 * pixels * n / grid.shards
        seconds = cost.seconds + 1e-3 * cost.ms * n / grid.shards * pixels / PIXELS
        return Need(seconds, cost.MB + 1e-6 * disk, int(disk))

    def dataset(self, wildcards):
        """Name of the data set of a job, or None."""
        if "dataset" in wildcards:
            return wildcards["dataset"]
        return self.settings.runs[wildcards["run"]].dataset if "run" in wildcards else None

    def bytes_of_star(self, rule, dataset):
        """What a job of the rule writes for every star of its own, where that is much."""
        about = self.settings.datasets.get(dataset)
        of_pixels = about is not None and (about.kind != "lte" or about.continuum > 0)
        arrays = {"spectra": 1, "noisy": 1 + of_pixels, "spectra_from_file": 2}
        return 400 if rule in ("feature", "feature_table") else 4 * self.pixels(dataset) * arrays.get(rule, 0)

    def sizes(self, dataset):
        """``{split: stars}`` of a data set; of a user's files as many as spectra of 4096 pixels would fill them."""
        if dataset is None:
            return {}
        about = self.settings.datasets[dataset]
        if about.kind == "lte":
            return dict(about.n_stars)
        files = {split: getattr(about, split) for split in ("train", "val", "test")}
        return {s: os.path.getsize(p) // (8 * PIXELS) if os.path.exists(p) else 0 for s, p in files.items()}

    def pixels(self, dataset):
        """Pixels of a spectrum."""
        grid = getattr(self.settings.datasets.get(dataset), "grid", None)
        return self.settings.grids[grid].pixels.n if grid else PIXELS

    def stars(self, rule, wildcards):
        """Stars that the job works on."""
        dataset = self.dataset(wildcards)
        sizes = self.sizes(dataset)
        if rule in ("spectra", "noisy", "feature"):
            split, first, stop = self.settings.datasets[dataset].rows(wildcards["shard"])
            return (stop or sizes[split]) - first
        if rule == "moments":
            return int(wildcards["n_train"]) / self.settings.ridge.folds
        if rule == "expert":
            return LARGEST_BIN * int(wildcards["n_train"])
        if rule in (*MODEL_RULES, "family_fit"):
            return int(wildcards["n_train"])
        if rule == "stress":
            return sizes["test"]
        if rule == "expert_predictions":
            return sizes["val"] + sizes["test"]
        return sum(sizes.values())


def shortage(costs, jobs, *, disk, memory):
    """What ``jobs``, ``(rule, wildcards, outputs)`` each, need beyond ``disk`` free bytes and ``memory`` MB.

    Returns ``(line, problem)``: a line on what they need, and None or what is missing and the smaller run that fits.
    """
    needs = []
    for rule, wildcards, outputs in jobs:
        need, there = costs.of(rule, wildcards), sum(os.path.getsize(path) for path in outputs if os.path.exists(path))
        needs.append((rule, wildcards, replace(need, disk=max(need.disk - there, 0))))
    total = sum(need.disk for _, _, need in needs)
    largest, most = max(((rule, need.MB) for rule, _, need in needs), key=lambda job: job[1])
    minutes = sum(need.seconds for _, _, need in needs) / 60
    line = f"{_GB(total)} of disk, {_GB(most * 1e6)} of memory in the largest job, {minutes:.0f} core-minutes"
    if total > disk:
        return line, (_too_large(total, disk) + _smaller(costs, needs, total - disk))
    if most > memory:
        return line, (
            f"about {_GB(most * 1e6)} of memory are needed for a job of rule {largest}, {_GB(memory * 1e6)} are free: "
            "end other programs, or take fewer pixels, stars, or nodes of the grid"
        )
    return line, None


def too_many_shards(costs, name, *, disk):
    """What a data set of more than ``MOST_SHARDS`` needs beyond ``disk`` free bytes, or the shard that can be planned.

    None where there are no more. The shards are counted, not named: of 10¹² stars they would fill the memory.
    """
    about = costs.settings.datasets[name]
    if about.n_shards <= MOST_SHARDS:
        return None
    stars, splits = sum(costs.sizes(name).values()), len(costs.sizes(name))
    of_star = costs.bytes_of_star("spectra", name) + costs.bytes_of_star("noisy", name)
    shard = math.ceil(stars / (MOST_SHARDS - splits))
    if of_star * stars <= disk:
        return (
            f"datasets.{name}.shard = {about.shard}: {stars} stars are {about.n_shards} shards, more than the "
            f"{MOST_SHARDS} that can be planned; set shard: {shard} or more, or take fewer stars"
        )
    fits = int(costs.sizes(name)["train"] - (stars - disk / of_star)) // 1000 * 1000
    shard = math.ceil((fits + stars - about.n_stars.train) / (MOST_SHARDS - splits))
    cut = f" with shard: {shard}" if shard > about.shard else ""
    return _too_large(of_star * stars, disk) + _would_fit(name, fits) + cut


def _smaller(costs, needs, missing):
    """``, or ...``: with how many training stars the largest data set would fit; nothing where none would."""
    of_star, disk = {}, Counter()
    for rule, wildcards, need in needs:
        name = costs.dataset(wildcards)
        size = costs.bytes_of_star(rule, name)
        if size and costs.settings.datasets[name].kind == "lte":
            kind = rule, wildcards.get("level"), wildcards.get("n_train"), wildcards.get("feature")
            of_star.setdefault(name, {})[kind] = size
            disk[name] += need.disk
    grids = Counter()
    for _, wildcards, need in needs:
        if "grid" in wildcards:
            grids[wildcards["grid"]] += need.disk
    if grids.total() > disk.total():
        return f", or take fewer nodes in grids.{grids.most_common(1)[0][0]}.axes"
    if not disk:
        return ""
    name = disk.most_common(1)[0][0]
    fits = int(costs.sizes(name)["train"] - missing / sum(of_star[name].values())) // 1000 * 1000
    return _would_fit(name, fits)


def _would_fit(name, n_train):
    if n_train < 50:
        return ""
    return f", or n_train = {n_train} (of its runs, and datasets.{name}.n_stars.train) would fit"


def _too_large(size, disk):
    return f"about {_GB(size)} of disk are needed in results/, {_GB(disk)} are free: free space"


def _GB(size):
    return f"{size / 1e9:.1f} GB"
