"""The one exception that means: the input is wrong, here is where and what to do."""


class InputError(ValueError):
    """Bad user input. The message names the file, key or row, what is wrong and the remedy."""
