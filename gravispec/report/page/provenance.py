"""Where a page comes from: data, code, configuration, versions, and the commands that make and check it."""

import json

from gravispec.data.provenance import hash_of, sha256, versions
from gravispec.report.page.parts import Column, Section, Table, cell

FILE = [
    Column("file", "Path from the folder of the workflow.", number=False),
    Column("bytes", "Size of the file."),
    Column("SHA-256", "Digest of the file's content; of all others see provenance.json.", number=False),
]
SIZED = FILE[:2]
CODE = [
    Column("module", "File of the code behind this page.", number=False),
    Column("digest", "Of what it says: comments and formatting play no part.", number=False),
]
VERSION = [Column("software", "Library or program.", number=False), Column("version", "Its version.", number=False)]


def provenance(behind, sizes, shown):
    """``behind``: run, config, code; ``sizes``: ``{file: bytes}`` behind the tables; ``shown``: files read here."""
    run, config = behind["run"], behind["config"]
    tables = [
        Table("versions", "Versions", VERSION, [[cell(name), cell(version)] for name, version in versions().items()]),
        Table("tables", "Tables that this page shows", FILE, [
            [cell(path), cell(sizes.get(path), "{:,}"), cell(sha256(path))] for path in sorted(shown)
        ]),
    ]  # fmt: skip
    details = [
        Table("sources", "Files behind the tables", SIZED, [[cell(f), cell(n, "{:,}")] for f, n in sizes.items()]),
        Table("code", "Code", CODE, [[cell(file), cell(digest)] for file, digest in behind["code"].items()]),
    ]
    more = {
        "seed": config["seed"],
        "config_sha256": hash_of(config),
        "config": json.dumps(config, indent=1, ensure_ascii=False),
        "commands": {
            f"make results/{run}/summary.csv": "makes the run and this page",
            f"make verify RUN={run}": "compares every file of the run with its checksum",
            f"make reproduce RUN={run}": "makes the run again in a fresh folder and compares the tables",
            f"snakemake --report report.zip results/{run}/summary.csv": "Snakemake's own report: rules, costs, figures",
        },
    }
    return Section("provenance", "Provenance", tables=tables, details=details, more=more)
