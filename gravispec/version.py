"""The version of gravispec; pyproject.toml reads it here."""

VERSION = "0.1.0"
