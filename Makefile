# make results/moe_100k/summary.csv   sets up .venv from exact pins, then runs Snakemake on all cores
# make test                           the same set-up, then every check (README, "Tests")
# make check                          lint and the fast tests, for the inner loop
# make docs                           the site of README and docs, in site/ (an environment of its own: .venv-docs)
# make example                        the example model and spectra of the package, made again
# make test-slurm                     the same on a Slurm of one node, which is installed and started for it
# make unlock                         after Snakemake was killed on a cluster (docs/cluster.md)
# make test-page                      pages in Chromium, which is installed for it
# make test-faults                    the whole smoke run, killed at 20 moments
# make bench                          speed beside other software, 35 minutes on 2 quiet cores: benchmarks/results.md
# make reproduce RUN=moe_smoke        a finished run again in a fresh folder: are its tables the same?
# make verify RUN=moe_smoke           are all files of a finished run there, and as they were made?
PYTHON ?= python3
CORES ?= all
RUN ?= moe_smoke
VENV := .venv/.installed-$(firstword $(shell cksum requirements.txt))

DOCS := .venv-docs/.installed-$(firstword $(shell cksum requirements-docs.txt))

.PHONY: help setup lint check docs example test test-slurm test-page test-faults reproduce verify unlock bench FORCE

help:
	@echo "make results/moe_smoke/summary.csv   the smoke run, 2.5 minutes on 2 busy cores"
	@echo "make results/moe_100k/summary.csv    the main job"
	@echo "make results/...                     any other file of the workflow; CORES=8 limits the cores"
	@echo "make check                           lint and the fast tests"
	@echo "make test                            all checks"
	@echo "make test-slurm                      the checks that need Slurm"
	@echo "make test-page                       pages in Chromium"
	@echo "make unlock                          after Snakemake was killed on a cluster"
	@echo "make test-faults                     the smoke run, killed at 20 moments"
	@echo "make docs                            the site of README and docs: site/index.html"
	@echo "make example                         the example of the package again"
	@echo "make bench                           benchmarks, 35 minutes on 2 quiet cores"
	@echo "make reproduce RUN=moe_smoke         a finished run again in a fresh folder, compared"
	@echo "make verify RUN=moe_smoke            its files: missing, changed, unknown?"

results/%: setup FORCE
	.venv/bin/snakemake -c$(CORES) $@

lint: setup
	PATH="$(CURDIR)/.venv/bin:$$PATH" tests/lint.sh

check: setup
	PATH="$(CURDIR)/.venv/bin:$$PATH" tests/check.sh

example: setup
	.venv/bin/snakemake -c$(CORES) --configfile config/example.yaml -- results/example/summary.csv
	.venv/bin/python -m workflow.example

docs: $(DOCS)
	.venv-docs/bin/python -m workflow.site .docs
	.venv-docs/bin/python -m sphinx --quiet --fail-on-warning --keep-going .docs site
	@echo "site/index.html"

test: setup
	PATH="$(CURDIR)/.venv/bin:$$PATH" tests/run.sh

test-slurm: setup
	PATH="$(CURDIR)/.venv/bin:$$PATH" tests/cluster/run.sh

test-page: setup
	PATH="$(CURDIR)/.venv/bin:$$PATH" tests/page.sh

unlock: setup
	PATH="$(CURDIR)/.venv/bin:$$PATH" profiles/slurm/unlock.sh

test-faults: setup
	.venv/bin/python -m pytest tests/faults

reproduce: setup
	.venv/bin/python -m workflow.reproduce $(RUN) $(CORES)

verify: setup
	@.venv/bin/python -m workflow.verify $(RUN)

bench: setup
	-.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --editable .[bench]
	.venv/bin/python -m benchmarks

setup: $(VENV)

$(VENV): requirements.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(None if v >= (3, 11) else f"gravispec needs Python >= 3.11; {sys.executable} is {v[0]}.{v[1]}. Try: make PYTHON=python3.11")'
	$(PYTHON) -m venv --clear .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

$(DOCS): requirements-docs.txt
	$(PYTHON) -m venv --clear .venv-docs
	.venv-docs/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-docs.txt
	touch $@
