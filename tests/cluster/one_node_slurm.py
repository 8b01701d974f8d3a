"""A Slurm of one node on the loopback interface: partitions ``cpu`` and ``gpu``, a GPU that is none, no accounting.

Everything lives in one folder and runs in the foreground under the process that starts it: nothing is left behind.
"""

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

NEEDED = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol")
SLURM_CONF = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerParameters=sched_min_interval=200000,batch_sched_delay=0
# instead of control groups: the memory of every step is looked at once a second
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill,UsePss
KillWait=2
MinJobAge=3600
GresTypes=gpu
SlurmdParameters=config_overrides
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=16000 Gres=gpu:1
PartitionName=cpu Nodes={host} Default=YES
PartitionName=gpu Nodes={host}
"""


def missing():
    """Why Slurm cannot run here, or nothing."""
    programs = [name for name in NEEDED if shutil.which(name, path=search_path()) is None]
    if programs:
        return f"Slurm is not installed ({', '.join(programs)} missing); as root `make test-slurm` does it on Debian"
    if socket.gethostbyname(socket.gethostname()) != "127.0.0.1":
        return f"the host name {socket.gethostname()} has to mean 127.0.0.1 (in /etc/hosts)"
    return None


def search_path():
    """PATH with the folders of daemons, which an ordinary user's does not have."""
    return os.pathsep.join([os.environ["PATH"], "/usr/local/sbin", "/usr/sbin", "/sbin"])


class OneNodeSlurm:
    """Start it with ``with``; ``environment`` makes Slurm's commands and Snakemake's plugin use it."""

    def __init__(self, folder, cpus=4):
        self.folder = Path(folder)
        self.cpus = cpus
        commands = self.folder / "bin"
        self.environment = {
            **os.environ,
            "PATH": os.pathsep.join([str(commands), search_path()]),
            "SLURM_CONF": str(self.folder / "slurm.conf"),
        }

    def __enter__(self):
        self._write()
        with contextlib.ExitStack() as stack:
            munge = ["--key-file", self.folder / "munge.key", "--socket", self.folder / "munge.socket"]
            munge += ["--pid-file", self.folder / "munged.pid", "--log-file", self.folder / "munged.log"]
            munge += ["--seed-file", self.folder / "munge.seed", "--num-threads", "2", "--force"]
            self._start(stack, "munged", "--foreground", *munge)
            self.wait(lambda: (self.folder / "munge.socket").exists())
            self._start(stack, "slurmctld", "-D")
            self._start(stack, "slurmd", "-D")
            stack.callback(self._cancel_all)
            self.wait(lambda: "idle" in self.command("sinfo", "-h", "-o", "%T", check=False))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self._stack.close()

    def command(self, *arguments, check=True):
        """Output of a Slurm command."""
        process = subprocess.run(
            arguments, env=self.environment, text=True, capture_output=True, check=check, timeout=60
        )
        return process.stdout

    def jobs(self):
        """Every job so far: dicts of what ``scontrol show job`` says, oldest first."""
        lines = self.command("scontrol", "--oneliner", "show", "job").splitlines()
        fields = [dict(item.partition("=")[::2] for item in line.split()) for line in lines if "JobId=" in line]
        return sorted(fields, key=lambda job: int(job["JobId"]))

    def _write(self):
        for name in ("state", "spool", "bin"):
            (self.folder / name).mkdir()
        ports = []
        for _ in range(2):
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                ports.append(free.getsockname()[1])
        text = SLURM_CONF.format(
            host=socket.gethostname().split(".")[0],
            user=getpass.getuser(),
            folder=self.folder,
            ports=ports,
            cpus=self.cpus,
        )
        (self.folder / "slurm.conf").write_text(text)
        (self.folder / "gres.conf").write_text("AutoDetect=off\nName=gpu File=/dev/null Count=1\n")
        (self.folder / "cgroup.conf").write_text("CgroupAutomount=no\n")
        key = self.folder / "munge.key"
        key.touch(mode=0o600)
        key.write_bytes(os.urandom(1024))
        # the plugin's job step drops SLURM_CONF before it calls srun
        srun = self.folder / "bin" / "srun"
        srun.write_text(f'#!/bin/sh\nSLURM_CONF={self.folder}/slurm.conf exec {shutil.which("srun")} "$@"\n')
        srun.chmod(0o755)

    def _start(self, stack, *command):
        # the kernel ends the daemon with its parent, even if that is killed
        command = ["setpriv", "--pdeathsig", "KILL", *map(str, command)]
        with open(self.folder / f"{command[3]}.out", "w") as out:
            daemon = subprocess.Popen(command, env=self.environment, stdout=out, stderr=subprocess.STDOUT)
        stack.callback(self._stop, daemon)

    @staticmethod
    def _stop(daemon):
        daemon.terminate()
        try:
            daemon.wait(timeout=10)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()

    def _cancel_all(self):
        self.command("scancel", "--user", getpass.getuser(), check=False)
        with contextlib.suppress(TimeoutError):
            self.wait(lambda: not self.command("squeue", "-h", check=False))

    def wait(self, condition, seconds=30):
        """Wait until the condition holds."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                logs = [path.read_text()[-1000:] for path in self.folder.glob("*.[lo][ou][gt]")]
                raise TimeoutError("Slurm did not answer:\n" + "\n".join(logs))
            time.sleep(0.2)
