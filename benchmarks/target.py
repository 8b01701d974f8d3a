"""Where a benchmark may write: asked before it measures, which takes minutes."""

from gravispec.data.outputs import checked_output
from gravispec.errors import InputError


def checked(path, **about):
    """As ``gravispec.data.outputs.checked_output``; ends in one line where that raises."""
    try:
        return checked_output(path, **about)
    except InputError as error:
        raise SystemExit(f"error: {error}") from None
