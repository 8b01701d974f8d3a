"""The workflow as a module of another one, in another folder; and the workflow with the configuration of .test."""

import shutil

import pytest

from tests.conftest import Checkout
from tests.planned_jobs import Planned, edited, jobs_of
from tests.workflow_rules import SCRIPTS

pytestmark = pytest.mark.slow
RUN = "results/moe_smoke/summary.csv"
OUTER = f"""
configfile: "config/config.yaml"

module gravispec:
    snakefile: "../code/Snakefile"
    config: config

use rule * from gravispec

rule mine:
    input: "{RUN}"
    output: "mine.txt"
    shell: "cp {{input}} {{output}}"
"""


class Outer(Planned):
    """A folder with a Snakefile of its own, beside a copy of the repository, ``code``; planned there."""

    def __init__(self, folder):
        self.code, self.path = Checkout(folder / "code"), folder / "here"
        (self.path / "config").mkdir(parents=True)
        shutil.copy(self.code.path / "config/config.yaml", self.path / "config")
        (self.path / "Snakefile").write_text(OUTER)
        self.plan(["mine.txt"])


@pytest.fixture(scope="module")
def outer(tmp_path_factory):
    return Outer(tmp_path_factory.mktemp("module"))


def test_the_whole_run_is_planned_and_made_where_the_other_workflow_is(outer):
    own = jobs_of(outer.code, "--forceall", RUN)
    assert set(outer.jobs) - set(own) == {frozenset({"mine.txt"})}
    assert set(own) <= set(outer.jobs)
    assert outer.dry_run() == {}
    assert (outer.path / RUN).exists()
    assert [path.name for path in (outer.code.path / "results").iterdir()] == ["README.md"]


@pytest.mark.parametrize("rule", ["expert", "stress"])
def test_an_edit_of_a_script_reruns_its_jobs_there_too(outer, rule):
    with edited(outer.code.path / "workflow/scripts" / SCRIPTS[rule]):
        jobs = outer.dry_run()
    assert set(jobs) == outer.after(outer.of(rule))
    assert ("expert" in {name for name, _ in jobs.values()}) == (rule == "expert")


def test_an_edit_of_a_plug_in_reruns_its_jobs_there_too(outer):
    name = "gravispec/models/fallback.py"
    with edited(outer.code.path / name):
        jobs = outer.dry_run()
    assert set(jobs) == outer.after({made for made, (_, read) in outer.jobs.items() if f"../code/{name}" in read})
    models = {path.split("/")[5] for made in jobs for path in made if path.startswith("results/models/")}
    assert models == {"mlp_fallback"}


def test_the_small_configuration_plans_every_stage(outer):
    """What the catalogue of workflows runs: another grid, data set and run, laid over the configuration."""
    small = jobs_of(outer.code, "--configfile", ".test/config/config.yaml", "--", "results/first/summary.csv")
    assert {rule for rule, _ in small.values()} == {rule for rule, _ in outer.jobs.values()} - {"mine"}
    assert not [path for made in small for path in made if "smoke" in path]
