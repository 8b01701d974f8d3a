"""Feature tables: one parquet file a family, one row a star, keyed by star id."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq


def write_features(path, stars, values, *, family, names, definition, unit, **about):
    """Write ``values`` (N, D) as float32 columns ``<family>_00``, ... beside ``star_id`` and ``split`` of ``stars``.

    ``names`` (D,), ``definition``, ``unit`` and what else is said ``about`` the family go into the file's metadata,
    under the key ``gravispec``.
    """
    columns = [f"{family}_{i:02d}" for i in range(values.shape[1])]
    table = pd.concat(
        [
            stars[["star_id", "split"]].reset_index(drop=True),
            pd.DataFrame(np.asarray(values, np.float32), columns=columns),
        ],
        axis=1,
    )
    arrow = pa.Table.from_pandas(table, preserve_index=False)
    named = dict(zip(columns, names, strict=True))
    about = {"family": family, "names": named, "definition": definition, "unit": unit, **about}
    metadata = {**(arrow.schema.metadata or {}), b"gravispec": json.dumps(about).encode()}
    pq.write_table(arrow.replace_schema_metadata(metadata), path)


def feature_matrix(table, family):
    """The columns of ``family`` in a feature table as (N, D) float64."""
    return table[[c for c in table if c.startswith(f"{family}_")]].to_numpy(np.float64)
