"""The typed configuration of the workflow."""

from gravispec.config.datasets import SPLITS
from gravispec.config.schema import Config, load

__all__ = ["SPLITS", "Config", "load"]
