"""Tables larger than memory: the memory that a fit takes, and what a row costs it.

    python benchmarks/piles.py [--rows 250000,1000000,5000000] [--memory 64MB]

Makes Parquet files of 20 columns of numbers and one of five levels, and fits each in a process of
its own, one epoch. Prints the largest memory of the process, what it was after the imports, and
microseconds a row before the first epoch and in an epoch.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet

GROUP = 100_000

FIT = """
import json, os, resource, sys, time, warnings
warnings.simplefilter("ignore")
from handgrad import MLPClassifier, Parquet

def megabytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

imports, times, started = megabytes(), [], time.perf_counter()
estimator = MLPClassifier(
    (64, 64), batch_size=1024, max_iter=2, dtype="float32", early_stopping=True, random_state=0,
    on_epoch=lambda _: times.append(time.perf_counter() - started) and None,
)
source = Parquet(sys.argv[1], "y", memory=sys.argv[2])
estimator.fit(source)
rows, epoch = source.shape[0], times[1] - times[0]
print(json.dumps({
    "rows": rows,
    "file_megabytes": round(sum(os.stat(n).st_size for n in source.names) / 1e6),
    "in_piles": not source.fits,
    "imports_megabytes": round(imports),
    "peak_megabytes": round(megabytes()),
    "before_microseconds_a_row": round((times[0] - epoch) / rows * 1e6, 2),
    "epoch_microseconds_a_row": round(epoch / rows * 1e6, 2),
    "accuracy": round(max(estimator.validation_scores_), 3),
}))
"""


def make(path, n):
    rng = np.random.default_rng(0)
    schema = pa.schema([pa.field(f"x{at}", pa.float32()) for at in range(20)])
    schema = schema.append(pa.field("level", pa.string())).append(pa.field("y", pa.string()))
    with parquet.ParquetWriter(path, schema, compression="zstd", compression_level=1) as writer:
        for start in range(0, n, GROUP):
            m = min(GROUP, n - start)
            x = rng.standard_normal((20, m), dtype=np.float32)
            level = rng.integers(0, 5, m)
            score = x[0] + x[1] * x[2] + (level == 2)
            y = np.where(score > 1, "high", np.where(score > -0.5, "mid", "low"))
            columns = [*x, np.array(list("abcde"))[level], y]
            writer.write_table(pa.table(columns, schema=schema), row_group_size=GROUP)


def measured(path, memory):
    command = [sys.executable, "-c", FIT, str(path), memory]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", default="250000,1000000,5000000")
    parser.add_argument("--memory", default="64MB")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for n in map(int, arguments.rows.split(",")):
            path = Path(folder) / "table.parquet"
            make(path, n)
            print(json.dumps(measured(path, arguments.memory)), flush=True)


if __name__ == "__main__":
    main()
