"""Text that a file format cannot hold, percent-encoded as in web addresses: the bytes of its UTF-8, such as %C3%B6.

``urllib.parse.unquote(text, errors="surrogateescape")`` gives back what it was, also bytes of file names that are no
UTF-8. Where one text of a file has to be encoded all are, and % becomes %25; where none has to be, nothing changes.
"""

import os
import re
from collections.abc import Iterable

KEY = "ENCODING"
STATEMENT = "texts are percent-encoded UTF-8: urllib.parse.unquote(text, errors='surrogateescape')"
#: what FITS cannot hold: all but printable ASCII, and at the end a space, or & (in a header "goes on")
NOT_FITS = r"[^ -~]|[ &](?=\Z)"
#: what no text file can: control characters, line breaks of any kind, bytes that are no text
NOT_TEXT = r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]"


def needs_encoding(texts: Iterable[str], unfit: str) -> bool:
    """Whether any of the texts has what the regular expression ``unfit`` matches."""
    return any(map(re.compile(unfit).search, texts))


def encoded(text: str, unfit: str) -> str:
    """The text with % and all that ``unfit`` matches as %XX."""
    return re.sub(f"{unfit}|%", lambda match: "".join(f"%{byte:02X}" for byte in _bytes(match[0])), text)


def of_path(path: str | os.PathLike) -> str:
    """A path as text: its bytes as UTF-8 in any locale, where they are not as surrogate escapes."""
    return os.fsencode(path).decode("utf-8", "surrogateescape")


def _bytes(text: str) -> bytes:
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # surrogates that stand for no byte
        return text.encode("utf-8", "surrogatepass")
