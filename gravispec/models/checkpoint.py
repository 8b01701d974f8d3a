"""Where the training of a network stands, in a file, so that a killed one goes on as if nothing had been."""

import os
from pathlib import Path


class Checkpoint:
    """A file at ``path``; ``key``: what the training depends on. What was kept of another training is not taken up."""

    def __init__(self, path, key):
        self.path, self.key = Path(path), key

    def save(self, **state):
        """Replace what is there by tensors, numbers, texts, lists and dicts."""
        import torch  # where there is nothing to train, nothing of it is needed

        part = self.path.with_name(f".{self.path.name}.part")
        torch.save({"key": self.key, **state}, part)
        os.replace(part, self.path)

    def load(self):
        """What was saved; None where there is nothing, or what is there is of another training or damaged."""
        import torch

        try:
            state = torch.load(self.path, weights_only=True)
        except Exception:  # whatever is wrong with it, the training can begin anew
            return None
        return state if isinstance(state, dict) and state.get("key") == self.key else None

    def remove(self):
        """The training has ended."""
        self.path.unlink(missing_ok=True)
