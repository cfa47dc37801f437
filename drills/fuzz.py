"""Fuzz what reads bytes of strangers: the model file and the tables.

    make fuzz                                   both, ten minutes in all
    python drills/fuzz.py --seconds 60 model    one target, a minute

Each target runs in a process of its own under atheris, which looks for inputs that reach new
code of handgrad. The model file's reader may raise ModelFileError, and the tables' readers and
the plan of their columns may raise DataError; whatever else is raised, takes longer than 20
seconds or more than 2 GB is a find. It is kept in drills/finds/, named on stderr, and the exit
code is 1. ``python drills/fuzz.py --again FILE`` runs one find again.

The input of the model's target is a description, a 0 byte, the entries of the tensors, a 0 byte,
and their bytes; it is put together as a file with a checksum that fits, so that the fuzzer gets
past it. One that begins with "!" is a whole file, as it is.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

DRILLS = Path(__file__).parent
FINDS = DRILLS / "finds"
LIMITS = ("-timeout=20", "-rss_limit_mb=2048", "-max_len=8192", "-len_control=20")
INSTRUMENTED = ("handgrad.models.file", "handgrad.tables", "handgrad.params", "handgrad.network")


# -- the targets: bytes in, nothing out, or an error that no user may meet ----------------------


def read_model(data):
    from handgrad.errors import ModelFileError
    from handgrad.models.file import from_bytes, to_bytes

    content = model_file_of(data)
    try:
        model = from_bytes(content)
    except ModelFileError:
        return
    again = to_bytes(model)
    assert to_bytes(from_bytes(again)) == again, "saved again it must load equal"


def model_file_of(data):
    from signing import signed

    if data.startswith(b"!"):
        return data[1:]
    description, entries, body = (*data.split(b"\0", 2), b"", b"")[:3]
    text, names = (part.decode("utf-8", "replace") for part in (description, entries))
    return signed(text, names, body)


def read_table(data):
    from handgrad.errors import DataError
    from handgrad.tables.fitting import fit_table
    from handgrad.tables.recognition.planning import plan_of
    from handgrad.tables.table import read

    path = Path(tempfile.gettempdir()) / f"handgrad-fuzz-{os.getpid()}"
    path.write_bytes(data)
    try:
        table = read(path)
        if table.num_rows:
            fit_table(table, plan_of(table))
    except DataError:
        return
    finally:
        path.unlink()


TARGETS = {"model": read_model, "tables": read_table}


# -- what the fuzzer begins with ----------------------------------------------------------------


def seeds_of(name, folder):
    """Write small files of every kind."""
    contents = {"model": model_seeds, "tables": table_seeds}[name](folder)
    seeds = folder / "seeds"
    seeds.mkdir()
    for number, content in enumerate(contents):
        (seeds / str(number)).write_bytes(content)
    return seeds


def model_seeds(folder):
    from damage import models
    from signing import parts_of

    from handgrad.models.file import to_bytes

    files = [to_bytes(model) for model in models(folder).values()]
    parts = (parts_of(content) for content in files)
    return [b"!" + files[0], *(b"\0".join((t.encode(), e.encode(), b)) for t, e, b in parts)]


def table_seeds(folder):
    import gzip
    import io

    import pyarrow as pa
    from pyarrow import parquet

    texts = [
        "a,b\n1,x\n2,y\n",
        'a;b;c\n"1,5";"x ""y""";2024-01-31\n"2,5";;2024-02-29\n',
        "sep=;\na;b\n1;2\n",
        "a\tb\n1 kg\t€5.10\n2 kg\t€1,234.50\n",
        "# title\n\na,a,\n1,2,3\n\n4,5,6\n,,\n",
        '{"a": 1, "b": "x"}\n{"a": 2.5, "b": null}\n',
        '[{"a": true, "b": "2024-01-31T10:00:00Z"}, {"a": false}]',
        "id,when,took\n1,31/01/2024 10:00,2h 50m\n2,01/02/2024 11:30,NA\n",
        "a\n1\n\n3\n",
    ]
    plain = [text.encode() for text in texts]
    table = pa.table({"a": [1, 2, None], "b": ["x", "y", None], "c": [True, False, None]})
    sink = io.BytesIO()
    parquet.write_table(table, sink)
    packed = [gzip.compress(plain[0], mtime=0), sink.getvalue(), texts[0].encode("utf-16")]
    return [*plain, *packed, *workbooks()]


def workbooks():
    """Write a workbook by hand, of the parts that a reader needs."""
    import io
    import zipfile

    formats = "http://schemas.openxmlformats.org"
    main, package = f"{formats}/spreadsheetml/2006/main", f"{formats}/package/2006"
    office = f"{formats}/officeDocument/2006/relationships"
    relations = (
        f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" Type="{office}'
    )
    rows = (("a", "b"), ("x", "1.5"), ("y", "2"))
    cells = "".join(
        "<row>" + "".join(f'<c t="inlineStr"><is><t>{cell}</t></is></c>' for cell in row) + "</row>"
        for row in rows
    )
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"/>',
        "_rels/.rels": f'{relations}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>'
        '<sheet name="s" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'{relations}/worksheet" Target="worksheets/s1.xml"/>'
        "</Relationships>",
        "xl/worksheets/s1.xml": f'<worksheet xmlns="{main}"><sheetData>{cells}</sheetData>'
        "</worksheet>",
    }
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for name, text in parts.items():
            archive.writestr(zipfile.ZipInfo(name), text)
    return [sink.getvalue()]


def words_of(seeds, folder):
    """Write the fuzzer's dictionary: the words and numbers that stand in the seeds."""
    found = {
        word
        for seed in seeds.iterdir()
        for word in re.findall(rb"[A-Za-z_][\w.\[\]]{2,24}|-?\d+(?:\.\d+)?", seed.read_bytes())
    }
    words = [*sorted(found)[:400], b"1e999", b"NaN", b"null", b"true", b"[]", b"{}", b'""']
    path = folder / "words"
    quoted = (word.replace(b"\\", b"\\\\").replace(b'"', b'\\"') for word in words)
    path.write_bytes(b"".join(b'"' + word + b'"\n' for word in quoted))
    return path


# -- the run -------------------------------------------------------------------------------------


def main():
    parser = argparse.ArgumentParser(
        prog="python drills/fuzz.py", description=__doc__.split("\n")[0]
    )
    parser.add_argument("names", nargs="*", metavar="TARGET", help="model, tables; both by default")
    parser.add_argument("--seconds", type=int, default=600, help="How long, all targets together.")
    parser.add_argument("--again", type=Path, metavar="FILE", help="Run a find again.")
    arguments = parser.parse_args()
    names = arguments.names or list(TARGETS)
    if unknown := set(names) - set(TARGETS):
        parser.error(f"there is no target {', '.join(sorted(unknown))}")
    if arguments.again:
        TARGETS[arguments.again.name.split("-")[0]](arguments.again.read_bytes())
        return
    require_atheris()
    FINDS.mkdir(exist_ok=True)
    quiet = [fuzz(name, max(1, arguments.seconds // len(names))) for name in names]
    sys.exit(0 if all(quiet) else 1)


def require_atheris():
    try:
        import atheris  # noqa: F401
    except ImportError:
        sys.exit(
            "fuzzing needs atheris, which `make fuzz` installs; its wheels are for CPython "
            "3.11 and older on Linux x86-64. Without it, "
            "`python drills damage` damages files at random"
        )


def fuzz(name, seconds):
    """Run one target in a process of its own; say whether it found nothing."""
    with tempfile.TemporaryDirectory(prefix="handgrad-fuzz-") as folder:
        seeds = seeds_of(name, Path(folder))
        corpus = Path(folder, "corpus")
        corpus.mkdir()
        options = [f"-dict={words_of(seeds, Path(folder))}", f"-max_total_time={seconds}", *LIMITS]
        places = [f"-artifact_prefix={FINDS}/{name}-", str(corpus), str(seeds)]
        command = [sys.executable, __file__, "--target", name, *options, *places]
        environment = os.environ | {"TMPDIR": folder}
        done = subprocess.run(command, env=environment, capture_output=True, check=False)
    told = done.stderr.decode(errors="replace") + done.stdout.decode(errors="replace")
    runs = re.findall(r"^#(\d+)", told, re.MULTILINE)
    found = re.findall(r"Test unit written to (\S+)", told)
    print(f"fuzz {name} | {int(runs[-1]) if runs else 0:,} inputs | {len(found)}", flush=True)
    if done.returncode == 0:
        return True
    print(told[-4000:], file=sys.stderr)
    for path in found:
        print(f"found: {path}\nagain: python drills/fuzz.py --again {path}", file=sys.stderr)
    return False


def be_target(name):
    import atheris

    with atheris.instrument_imports(include=list(INSTRUMENTED)):
        import handgrad.models.file
        import handgrad.tables.encode
        import handgrad.tables.table  # noqa: F401
    import warnings

    warnings.simplefilter("ignore")
    atheris.Setup([sys.argv[0], *sys.argv[3:]], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--target"]:
        be_target(sys.argv[2])
    else:
        main()
