"""How models were trained: the curves that their fits wrote."""

import pandas as pd

COLUMNS = ["noise_level", "n_train", "model", "seed", "epoch", "fit", "stop", "loss"]


def training_curves(about):
    """A row an epoch, with the loss of the stars that are fitted and of those that stop the training, and what it is.

    about : as for ``summary.summary``; models whose fit has no ``curve`` are left out. ``seed`` is empty where the
        curve names none.
    """
    parts = [
        pd.DataFrame(said["curve"]).assign(noise_level=level, n_train=n_train, model=model, loss=said["loss"])
        for (level, n_train, model), said in about.items()
        if said.get("curve")
    ]
    return pd.concat([pd.DataFrame(columns=COLUMNS), *parts], ignore_index=True)[COLUMNS].astype({"seed": "Int64"})
