"""What a table or model says of its origin: parquet, npz and safetensors files carry it, under the key ``provenance``.

Versions, hash of the configuration, digest of the code, seed: nothing that depends on the machine or the time.
"""

import contextlib
import json
import zipfile
from contextvars import ContextVar
from pathlib import Path

import numpy as np

KEY = "provenance"
_origin: ContextVar[dict | None] = ContextVar("origin", default=None)


@contextlib.contextmanager
def stamped(origin):
    """Every table and model that ``gravispec.data.files.atomic`` writes within the block carries ``origin``, a dict."""
    token = _origin.set(origin)
    try:
        yield
    finally:
        _origin.reset(token)


def stamp(path):
    """Write the origin into a file that is complete but not yet under its name."""
    writer = {".parquet": _parquet, ".npz": _npz, ".safetensors": _safetensors}.get(Path(path).suffix)
    if writer and _origin.get() is not None:
        writer(path, json.dumps(_origin.get(), sort_keys=True))


def read_stamp(path):
    """The origin of a file, a dict; empty where it has none."""
    path = Path(path)
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        text = (pq.read_schema(path).metadata or {}).get(KEY.encode(), b"{}")
    elif path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as arrays:
            text = str(arrays[KEY]) if KEY in arrays else "{}"
    else:
        with open(path, "rb") as file:
            text = _header(file).get("__metadata__", {}).get(KEY, "{}")
    return json.loads(text)


def _parquet(path, text):
    """Pages get checksums on the way: without them flipped bits are read as numbers."""
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    table = table.replace_schema_metadata({**(table.schema.metadata or {}), KEY: text})
    pq.write_table(table, path, write_page_checksum=True)


def _npz(path, text):
    # a fixed date, so that the bytes depend on the content alone
    with zipfile.ZipFile(path, "a") as file, file.open(zipfile.ZipInfo(f"{KEY}.npy"), "w") as member:
        np.lib.format.write_array(member, np.array(text), allow_pickle=False)


def _header(file):
    """The JSON header of a safetensors file: eight bytes of length, then the text."""
    return json.loads(file.read(int.from_bytes(file.read(8), "little")))


def _safetensors(path, text):
    with open(path, "rb") as file:
        header, tensors = _header(file), file.read()
    header["__metadata__"] = {**header.get("__metadata__", {}), KEY: text}
    packed = json.dumps(header, separators=(",", ":")).encode()
    packed += b" " * (-len(packed) % 8)  # tensors start on multiples of 8 bytes
    Path(path).write_bytes(len(packed).to_bytes(8, "little") + packed + tensors)
