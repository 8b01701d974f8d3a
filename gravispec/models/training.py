"""The training of all networks: early stopping, the best state, seeds, one line of progress an epoch in the curve."""

import contextlib
import copy
import itertools
import math
import time

import numpy as np
import torch

from gravispec.errors import InputError


@contextlib.contextmanager
def seeded(seed, device="cpu"):
    """PyTorch's random numbers start from ``seed`` within the block, and go on outside as if nothing had been."""
    with torch.random.fork_rng(devices=[torch.cuda.current_device()] if device == "cuda" else []):
        torch.manual_seed(seed)
        yield


def shuffles(seed, stream=None):
    """A function of n that returns the next permutation (n,), from a stream of its own."""
    stream = (stream or torch.Generator()).manual_seed(seed)
    return lambda n: torch.randperm(n, generator=stream)


def train(
    network,
    n,
    *,
    step_loss,
    stop_loss,
    optimiser,
    batch,
    epochs,
    patience,
    shuffle,
    schedule=None,
    untrained=np.inf,
    progress=False,
    checkpoint=None,
    streams=(),
):
    """Train on n stars in batches; the state with the lowest ``stop_loss()`` is kept.

    ``step_loss(rows)``: the mean loss of these stars, a tensor; ``stop_loss()``: a float, of other stars, or of the
    same ones without dropout. Training ends after ``patience`` epochs without a lower one. ``shuffle(n)``: the order
    of an epoch. ``schedule``: of the learning rate, a step after each batch. ``untrained``: loss of the network as it
    comes, which is kept where training never gets below it.
    ``checkpoint``: ``gravispec.models.checkpoint.Checkpoint``, from which a training that was killed goes on, with the
    torch ``streams`` of all its random numbers.
    Returns the curve, ``{"epoch", "fit", "stop"}`` of lists, and the epoch that was kept.
    Raises ``InputError`` where no loss is finite.
    """
    device = next(network.parameters()).device
    best, best_loss, kept = copy.deepcopy(network.state_dict()), untrained, 0
    curve, start = {"epoch": [], "fit": [], "stop": []}, time.perf_counter()
    held = {"network": network, "optimiser": optimiser} | ({"schedule": schedule} if schedule else {})
    if checkpoint and (state := checkpoint.load()):
        for name, holder in held.items():
            holder.load_state_dict(state[name])
        for stream, value in zip(streams, state["streams"], strict=True):
            stream.set_state(value)
        best, best_loss, kept, curve = (state[name] for name in ("best", "best_loss", "kept", "curve"))
        print(f"goes on after epoch {curve['epoch'][-1]}", flush=True)
    for epoch in range(len(curve["epoch"]) + 1, epochs + 1):
        network.train()
        fit_loss = torch.zeros((), dtype=torch.float64, device=device)  # on a GPU every look at it would be a wait
        for rows in shuffle(n).to(device).split(batch):
            optimiser.zero_grad()
            loss = step_loss(rows)
            loss.backward()
            optimiser.step()
            if schedule:
                schedule.step()
            fit_loss += loss.detach() * len(rows) / n
        network.eval()
        with torch.no_grad():
            loss = stop_loss()
        for name, value in (("epoch", epoch), ("fit", fit_loss.item()), ("stop", loss)):
            curve[name].append(value)
        if progress:
            print(f"epoch {epoch}: loss {loss:.5g}, {time.perf_counter() - start:.0f} s", flush=True)
        if loss < best_loss:
            best, best_loss, kept = copy.deepcopy(network.state_dict()), loss, epoch
        elif epoch - kept >= patience:
            break
        if checkpoint:
            states = {name: holder.state_dict() for name, holder in held.items()}
            at = {"best": best, "best_loss": best_loss, "kept": kept, "curve": curve}
            checkpoint.save(**states, **at, streams=[stream.get_state() for stream in streams])
    if not np.isfinite(best_loss):
        raise InputError("the loss is not finite from the first epoch on; lower learning_rate of the model")
    network.load_state_dict(best)
    network.eval()
    return curve, kept


def in_parts(loss, rows, size):
    """Mean of ``loss(rows)``, a mean over its rows, for ``train``: its slope is added up part by part.

    Memory holds one part of about ``size`` rows, which is fast where a part fits into caches.
    """
    *parts, last = rows.tensor_split(math.ceil(len(rows) / size))
    total = torch.zeros((), device=rows.device)
    for part in parts:
        share = loss(part) * (len(part) / len(rows))
        share.backward()
        total += share.detach()
    return total + loss(last) * (len(last) / len(rows))


def layers(sizes, activation, *, dropout=0.0, dtype=torch.float32):
    """Linear layers of these ``sizes`` with ``activation`` and, after it, dropout, between them."""
    found = []
    for n_in, n_out in itertools.pairwise(sizes):
        found += [torch.nn.Linear(n_in, n_out, dtype=dtype), activation()]
        found += [torch.nn.Dropout(dropout)] if dropout else []
    return torch.nn.Sequential(*found[: -2 if dropout else -1])


def n_parameters(network):
    """Number of trained parameters."""
    return sum(parameter.numel() for parameter in network.parameters())


def arrays_of(network, prefix=""):
    """``{name: array}`` of a network's state."""
    return {prefix + name: tensor.cpu().numpy() for name, tensor in network.state_dict().items()}


def load_arrays(network, arrays, prefix=""):
    """Fill a network with what ``arrays_of`` gave; returns it, ready to predict."""
    state = {k.removeprefix(prefix): torch.as_tensor(v) for k, v in arrays.items() if k.startswith(prefix)}
    network.load_state_dict(state, assign=True)  # copies would go into arrays that buffers share
    return network.eval()
