# What jobs ask a machine for - functions only. Which machine, queue or account it is: profiles/.


# a card belongs to one job of a cluster; a limit on cards is for the jobs that share a machine
resource_scopes:
    gpu="local",


# cards of a training job; with device auto it trains on the CPU where there is none
GPU = int(settings.device != "cpu")


def by_attempt(amount):
    """Resource: this much, and as much again for every attempt that failed (memory used up, time over)."""
    return lambda wildcards, attempt: amount * attempt
