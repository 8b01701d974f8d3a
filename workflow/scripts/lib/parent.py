"""Jobs end with the Snakemake that started them, even when that was killed with -9: none works on unseen."""

import json
import os
import threading
import time

import psutil

VARIABLE = "GRAVISPEC_SNAKEMAKE"


def announce():
    """Tell the jobs that this process starts who it is."""
    me = psutil.Process()
    os.environ[VARIABLE] = json.dumps([me.pid, me.create_time(), _namespace()])


def end_with_parent():
    """End this process within a second when the process that announced itself is gone."""
    pid, created, namespace = json.loads(os.getenv(VARIABLE, "[0, 0, null]"))
    if namespace != _namespace():  # started by hand, or in a container that counts processes on its own
        return

    def watch():
        while is_running(pid, created):
            time.sleep(0.5)
        print("error: Snakemake was killed; this job ends without a result", flush=True)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def is_running(pid, created):
    """Whether the process is there, and no other that got its number after it."""
    try:
        process = psutil.Process(pid)
        return abs(process.create_time() - created) < 2 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _namespace():
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:  # no Linux
        return ""
