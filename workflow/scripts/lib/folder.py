"""Which Snakemake works in this folder: who holds its lock, and whether it is still there.

Snakemake's own message names the folder alone. Every Snakemake has a file in ``.snakemake/gravispec`` with its process
and host while it runs, and the names of its locks; one that was killed with -9 leaves the file behind, and the locks.
"""

import atexit
import contextlib
import getpass
import json
import os
import socket
import sys
import time
from pathlib import Path

import psutil

from gravispec.data.files import atomic
from workflow.scripts.lib.parent import is_running

HERE = Path(".snakemake/gravispec")
LOCKS = Path(".snakemake/locks")
ELSEWHERE = ("-e", "--executor", "--profile", "--workflow-profile")  # jobs of a cluster may outlive their Snakemake


def enter():
    """Say who else works here; take away the locks of those that were killed on this host; sign in.

    Returns the names of the locks that are there.
    """
    with contextlib.suppress(OSError):  # where nothing can be written nothing can be locked
        others, killed = _others()
        for other in others:
            print(
                "Another Snakemake works in this folder: process {pid} of {user} on {host}, since {since}. Where both "
                "would make the same file, wait for it, or stop it: kill -INT {pid}".format(**other),
                file=sys.stderr,
            )
        for one in killed:
            locks = [LOCKS / name for name in one.get("locks", ()) if (LOCKS / name).exists()]
            if locks and one["local"]:
                print(f"Process {one['pid']} was killed here; its lock is taken away", file=sys.stderr)
                for lock in locks:
                    lock.unlink()
            elif locks:
                print(
                    f"Process {one['pid']} was killed here; its jobs on the cluster may still run: cancel them, then "
                    "snakemake --unlock",
                    file=sys.stderr,
                )
        _sign_in({})
        atexit.register(_mine().absolute().unlink, missing_ok=True)
        return {path.name for path in LOCKS.glob("*")}
    return set()


def remember_locks(before):
    """Note the locks that came after ``enter``, which said what was there: they are of this Snakemake."""
    with contextlib.suppress(OSError):
        _sign_in({"locks": sorted({path.name for path in LOCKS.glob("*")} - before)})


def _others():
    """``(those that may be at work, those of this host that were killed)``: dicts. ``--unlock`` forgets them all."""
    others, killed = [], []
    for path in sorted(HERE.glob("[!.]*.json")):
        one = json.loads(path.read_text())
        if "--unlock" in sys.argv:
            path.unlink(missing_ok=True)
        elif one["host"] != socket.gethostname() or is_running(one["pid"], one["started"]):
            others.append(one)
        else:
            killed.append(one)
            if one["local"]:
                path.unlink(missing_ok=True)
    return others, killed


def _mine():
    return HERE / f"{socket.gethostname()}_{os.getpid()}.json"


def _sign_in(more):
    me = psutil.Process()
    started, options = me.create_time(), {argument.split("=")[0] for argument in sys.argv}
    one = {
        "pid": me.pid,
        "host": socket.gethostname(),
        "user": getpass.getuser(),
        "started": started,
        "since": time.strftime("%Y-%m-%d %H:%M", time.localtime(started)),
        "local": not options & set(ELSEWHERE) and "SNAKEMAKE_PROFILE" not in os.environ,
    }
    with atomic(_mine()) as part:
        part.write_text(json.dumps(one | more))
