"""The one place that uses what Snakemake (9.17 to 9.27) does not document; tests/test_seam.py says what it has to do.

* ``workflow.rules``, ``rule.is_producer``, ``rule.get_wildcards``, ``rule.expand_input``: what a file is made from.
* ``workflow.rules``, ``rule.benchmark``: where a job leaves its cost.
* ``workflow.dag.needrun_jobs``, ``workflow.local_exec``, ``workflow.touch``: what is about to run, and where.
"""

from snakemake.io import is_flagged


def behind(workflow, targets):
    """``(files, code)``: all that ``targets`` are made from, without temporary files, and the code that makes them.

    From the rules alone, before any job is planned; code is what rules name as inputs ``code``, ``family``, ``module``.
    """
    rules = [rule for rule in workflow.rules if not rule.norun]
    files, code, todo = {}, {}, list(map(str, targets))
    seen = set(todo)
    while todo:
        path = todo.pop()
        made = next((rule for rule in rules if rule.is_producer(path)), None)
        if made is None:
            files[path] = None
            continue
        if not any(is_flagged(output, "temp") and output.match(path) for output in made.output):
            files[path] = None
        inputs = made.expand_input(made.get_wildcards(path))[0]
        named = {id(file) for key in ("code", "family", "module") for file in _listed(inputs.get(key, []))}
        for file in inputs:
            if id(file) in named:
                code[str(file)] = None
            elif str(file) not in seen:
                seen.add(str(file))
                todo.append(str(file))
    return list(files), list(code)


def benchmarks(workflow):
    """``{rule: pattern of its benchmark file}``."""
    return {rule.name: str(rule.benchmark) for rule in workflow.rules if rule.benchmark}


def planned_jobs(workflow):
    """``(rule, wildcards, outputs)`` of the jobs that are about to run; none where outputs are only touched."""
    if workflow.touch or workflow.storage_settings.default_storage_provider:
        return []
    return [
        (job.rule.name, dict(job.wildcards_dict), [str(path) for path in job.output])
        for job in workflow.dag.needrun_jobs()
    ]


def runs_here(workflow):
    """Whether jobs run on this machine."""
    return workflow.local_exec


def _listed(files):
    return [files] if isinstance(files, str) else files
