"""A checkout in which every output of a workflow exists, empty, recorded as made: for tests of what runs again."""

import os
import re
from contextlib import contextmanager

import yaml

from tests.conftest import Checkout

JOB = re.compile(r"^(?:local)?rule (\w+):\n    input: (.*)\n    output: (.*)$", re.M)


def jobs_of(checkout, *arguments):
    """``{outputs: (rule, inputs)}`` of the jobs that Snakemake would start, paths as sets."""
    process = checkout.snakemake("-n", *arguments)
    assert process.returncode == 0, process.stdout[-3000:]
    found = JOB.findall(process.stdout)
    return {frozenset(outputs.split(", ")): (rule, frozenset(inputs.split(", "))) for rule, inputs, outputs in found}


@contextmanager
def edited(path):
    """A line of code more at the end of a file; afterwards it is as before, and as old."""
    content, stat = path.read_bytes(), path.stat()
    path.write_text(f"{path.read_text()}\nEDITED = True\n")
    try:
        yield
    finally:
        path.write_bytes(content)
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


class Planned(Checkout):
    """The jobs of ``targets`` are planned but never run; ``jobs`` is ``{outputs: (rule, inputs)}``, paths as sets."""

    def __init__(self, path, targets, **config):
        super().__init__(path)
        self.plan(targets, **config)

    def plan(self, targets, **config):
        """Record the jobs of the targets as made."""
        (self.path / "more.yaml").write_text(yaml.safe_dump(config))
        self.targets = targets
        self.jobs = self.dry_run("--forceall")
        for outputs, (_, inputs) in self.jobs.items():
            for name in outputs | inputs:
                (self.path / name).parent.mkdir(parents=True, exist_ok=True)
                (self.path / name).touch()
        process = self.snakemake("--touch", "--forceall", "--configfile", "more.yaml", "--", *targets)
        assert process.returncode == 0, process.stdout[-3000:]

    def dry_run(self, *arguments, targets=None):
        """``{outputs: (rule, inputs)}`` of the jobs that Snakemake would start."""
        return jobs_of(self, *arguments, "--configfile", "more.yaml", "--", *(targets or self.targets))

    def before(self, target):
        """The job of a target and all jobs that it waits for, as their outputs."""
        found, wanted = set(), {target}
        while wanted:
            makers = {outputs for outputs in self.jobs if outputs & wanted} - found
            found |= makers
            wanted = {name for outputs in makers for name in self.jobs[outputs][1]}
        return found

    def after(self, outputs):
        """These jobs, all jobs that wait for them, and those that make the temporary files of any of them again."""
        found, new = set(), set(outputs)
        while new:
            found |= new
            made = {name for outputs in new for name in outputs}
            new = {outputs for outputs, (_, inputs) in self.jobs.items() if inputs & made} - found
        read = {name for outputs in found for name in self.jobs[outputs][1]}
        gone = {name for name in read if not (self.path / name).exists()}
        return found | {outputs for outputs in self.jobs if outputs & gone}

    def of(self, rule, part=""):
        """Jobs of a rule, those with ``part`` in the name of an output."""
        return {o for o, (name, _) in self.jobs.items() if name == rule and any(part in path for path in o)}
