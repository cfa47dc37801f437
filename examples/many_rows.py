"""Predict a long table on the workers of Dask, Ray or Spark: the bits are those of one call.

    python examples/many_rows.py dask
    python examples/many_rows.py ray --rows 300000
    python examples/many_rows.py spark

Each function below is a recipe to copy. A worker needs handgrad and the model file, which
it reads in milliseconds; what it predicts for a row depends on that row alone, so it does not
matter how the rows are divided. The script makes rows like the Palmer penguins, writes them as
Parquet into a temporary folder, predicts them in parts, and compares all probabilities with
those of one call, which prints

    dask: 100,000 rows, 8 parts, 0 rows differ

Beside handgrad and pandas it needs "dask[dataframe]", "ray[data]", or pyspark with Java.
"""

import argparse
import os
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from handgrad import MLPClassifier

PENGUINS = Path(__file__).parents[1] / "src" / "handgrad" / "data" / "penguins.csv"
PARTS = 8


# -- what runs in a worker ---------------------------------------------------------------------


def probabilities(part, path):
    """Predict a part of a table, a data frame."""
    model = MLPClassifier.load(path)
    found = model.predict_proba(part[model.feature_names_in_])
    return pd.DataFrame(found, columns=model.classes_, index=part.index)


# -- three ways to divide the rows -------------------------------------------------------------


def with_dask(table, path):
    import dask
    import dask.dataframe as dd

    empty = pd.DataFrame(columns=MLPClassifier.load(path).classes_, dtype=float)
    with dask.config.set(scheduler="processes"):
        return dd.read_parquet(table).map_partitions(probabilities, path, meta=empty).compute()


def with_ray(table, path):
    import ray

    ray.init(num_cpus=2, include_dashboard=False, logging_level="error")
    ray.data.DataContext.get_current().execution_options.preserve_order = True
    rows = ray.data.read_parquet(table).map_batches(
        probabilities, fn_kwargs={"path": path}, batch_format="pandas", batch_size=20_000
    )
    return rows.to_pandas()


def with_spark(table, path):
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    spark = SparkSession.builder.master("local[2]").getOrCreate()
    classes = MLPClassifier.load(path).classes_
    schema = ", ".join(["row bigint", *(f"`{name}` double" for name in classes)])

    def of_batches(batches):
        for batch in batches:
            part = batch.to_pandas().set_index("row")
            yield pa.RecordBatch.from_pandas(probabilities(part, path).reset_index())

    found = spark.read.parquet(table).mapInArrow(of_batches, schema).toPandas()
    spark.stop()
    return found.sort_values("row").drop(columns="row")  # Spark keeps no order


# -- the comparison ----------------------------------------------------------------------------


def rows_like_penguins(n):
    """Draw n rows, each cell from a penguin of its own, with its holes."""
    penguins = pd.read_csv(PENGUINS).drop(columns="species")
    rng = np.random.default_rng(0)
    drawn = {name: penguins[name].to_numpy()[rng.integers(0, 344, n)] for name in penguins}
    return pd.DataFrame(drawn)


def write_in_parts(rows, folder):
    for place, part in enumerate(np.array_split(np.arange(len(rows)), PARTS)):
        rows.iloc[part].to_parquet(folder / f"part-{place}.parquet", index=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ways = {"dask": with_dask, "ray": with_ray, "spark": with_spark}
    parser.add_argument("way", choices=ways, help="what divides the rows among workers")
    parser.add_argument("--rows", type=int, default=100_000, help="how many rows to predict")
    asked = parser.parse_args()
    penguins = pd.read_csv(PENGUINS)
    model = MLPClassifier((32,), early_stopping=True, batch_size=32, random_state=0)
    model.fit(penguins.drop(columns="species"), penguins["species"])
    rows = rows_like_penguins(asked.rows)
    with tempfile.TemporaryDirectory() as folder:
        path, table = f"{folder}/penguins.safetensors", Path(folder) / "table"
        model.save(path)
        table.mkdir()
        write_in_parts(rows.assign(row=np.arange(len(rows))), table)
        found = ways[asked.way](str(table), path)
    differ = int((found.to_numpy() != model.predict_proba(rows)).any(axis=1).sum())
    print(f"{asked.way}: {len(found):,} rows, {PARTS} parts, {differ} rows differ")
    raise SystemExit(bool(differ) or len(found) != len(rows))


if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        main()
