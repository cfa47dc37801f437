"""Model files of versions before are read for ever, and predict what they did."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from handgrad import MLPClassifier, MLPRegressor
from handgrad.models.file import FORMAT_VERSION, load_model, save_model
from handgrad.tables.parts import from_parts, to_parts
from handgrad.tables.table import read_table

GOLDEN = Path(__file__).parent / "golden"


def version_of(path):
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    return json.loads(header["__metadata__"]["handgrad"])["format_version"]


def model(name):
    return load_model(GOLDEN / f"{name}.safetensors")


def table(name="versions"):
    return pq.read_table(GOLDEN / f"{name}.parquet")


def told(name="versions"):
    return np.load(GOLDEN / f"{name}.npz")


def predictions(name, rows):
    loaded = model(name)
    return loaded.predict_proba(rows) if len(loaded.classes) else loaded.predict_numbers(rows)[:, 0]


EVERY = {
    "version1": (1, "versions", "proba"),
    "version2": (2, "versions", "numbers"),
    "version3": (3, "version3", "proba"),
    "version3_numbers": (3, "version3", "numbers"),
    "version4": (4, "version4", "proba"),
    "version4_numbers": (4, "version4", "numbers"),
    "version5": (5, "version4", "proba"),
}


@pytest.mark.parametrize("name", EVERY)
def test_a_file_of_every_version_predicts_what_it_did(name):
    version, rows, figures = EVERY[name]
    path = GOLDEN / f"{name}.safetensors"
    assert version_of(path) == version
    assert path.stat().st_size < 30_000
    expected = told(rows)[figures]
    np.testing.assert_allclose(predictions(name, table(rows)), expected, rtol=1e-12, atol=1e-300)
    kind = MLPClassifier if figures == "proba" else MLPRegressor
    estimator = kind.load(path).set_params(engine="numpy")
    found = (
        estimator.predict_proba(table(rows))
        if figures == "proba"
        else estimator.predict(table(rows).select(estimator.columns_.names))
    )
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-300)


def test_there_is_a_file_of_every_version():
    assert {version for version, _, _ in EVERY.values()} == set(range(1, FORMAT_VERSION + 1))


@pytest.mark.parametrize("name", EVERY)
def test_an_old_model_is_the_same_when_it_is_written_anew(name, tmp_path):
    _, rows, figures = EVERY[name]
    save_model(model(name), tmp_path / "m")
    again = load_model(tmp_path / "m")
    assert again.encoder.plan == model(name).encoder.plan
    assert again.encoder.input_names == model(name).encoder.input_names
    found = again.predict_proba if figures == "proba" else again.predict_numbers
    assert np.array_equal(np.squeeze(found(table(rows))), predictions(name, table(rows)))


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("form", ["csv", "pandas", "parquet of texts"])
def test_an_old_model_reads_other_files(name, form, tmp_path):
    _, rows, figures = EVERY[name]
    typed = table(rows)
    frame = typed.to_pandas()
    if form == "csv":
        # in version 1 a duration could not be, and CSV has no type for one
        frame.to_csv(tmp_path / "t.csv", index=False)
        other = read_table(tmp_path / "t.csv")
    elif form == "pandas":
        other = pa.table(frame)
    else:
        other = pa.table({n: typed[n].cast("string") if str(typed[n].type) in ("bool", "int64")
                          else typed[n] for n in typed.column_names})  # fmt: skip
    np.testing.assert_allclose(
        predictions(name, other), told(rows)[figures], rtol=1e-9, atol=1e-300
    )
    told_of = {unknown.column for unknown in model(name).encode(other).unknown}
    assert told_of <= {"rare"}  # which cannot be told from a new one


def test_levels_of_old_files_are_known_by_what_they_mean():
    """Version 1 named booleans "true" and numbers "1"; whoever writes them otherwise is heard."""
    rows, first = table(), model("version1")
    for spelling in ({"true": "True", "false": "False"}, {"true": "TRUE", "false": "FALSE"}):
        cells = [None if v is None else spelling[str(v).lower()] for v in rows["tall"].to_pylist()]
        at = rows.column_names.index("tall")
        other = rows.set_column(at, "tall", pa.array(cells))
        np.testing.assert_allclose(first.predict_proba(other), told()["proba"], rtol=1e-12)


def test_the_columns_of_old_files_are_what_they_were():
    for name in ("version1", "version2"):
        kinds = {column.name: column.kind for column in model(name).encoder.plan}
        assert {kinds["island"], kinds["sex"], kinds["tall"], kinds["code"]} == {"category"}
        assert {kinds["year"], kinds["bill_depth_mm"]} == {"number"}
    assert "body_mass_g" not in model("version2").encoder.names
    # what version 1 knew as missing
    first = model("version1")
    rows = table().slice(0, 3)
    at = rows.column_names.index("island")
    blank, word, null = (
        rows.set_column(at, "island", pa.array([cell] * 3, pa.string()))
        for cell in ("", "NA", None)
    )
    assert np.array_equal(first.predict_proba(blank), first.predict_proba(null))
    assert np.array_equal(first.predict_proba(word), first.predict_proba(null))


def test_a_file_of_version_3_knows_every_kind():
    encoder = model("version3").encoder
    kinds = {column.name: column.kind for column in encoder.plan}
    assert kinds == {
        **{"number": "number", "money": "number", "weight": "number", "coded": "number"},
        **{"worded": "number with words", "flag": "boolean", "level": "category"},
        **{"rare": "category", "grade": "category", "when": "date", "clock": "date"},
        **{"moment": "date", "lasting": "date", "name": "left out", "empty": "left out"},
    }
    assert encoder.input_names == told("version3")["inputs"].tolist()
    for name in ("number is missing", "coded is missing", "worded=n.d.", "flag is missing"):
        assert name in encoder.input_names
    assert "rare: other" in encoder.input_names
    assert encoder.plan["money"].notation.before == "$"
    assert encoder.plan["weight"].notation.after == "kg"
    assert encoder.plan["when"].dating.order == "dmy"
    assert encoder.plan["clock"].dating.what == "time"
    assert encoder.plan["lasting"].dating.what == "duration"


def test_a_file_of_version_4_knows_bins_and_a_skip():
    encoder = model("version4").encoder
    assert encoder.input_names == told("version4")["inputs"].tolist()
    assert "money 1000..1262.5" in encoder.input_names
    assert {basis.kind for basis in encoder.skip} == {"pieces", "levels"}
    assert model("version4").params.V.shape == (model("version4").architecture.beside.n_wide, 3)


def test_cells_that_a_file_of_version_3_does_not_know_are_told():
    rows = table("version3").slice(0, 2).to_pandas()
    strange = pd.DataFrame(rows).assign(level="mauve", flag="maybe", worded="nil", when="never")
    unknown = {u.column: u for u in model("version3").encode(pa.table(strange)).unknown}
    assert set(unknown) - {"rare"} == {"level", "flag", "worded", "when"}
    assert [u.n for name, u in unknown.items() if name != "rare"] == [2] * 4


def tampered(name, /, **told):
    metadata, tensors = to_parts(model("version3").encoder)
    metadata = json.loads(json.dumps(metadata))
    column = metadata["columns"][metadata["names"].index(name)]
    column |= {key: value for key, value in told.items() if value is not None}
    for key in [key for key, value in told.items() if value is None]:
        del column[key]
    return metadata, tensors


DATING = {"what": "date", "order": "ymd", "parts": []}
NOTATION = {
    **{"decimal": ".", "thousands": "", "before": "$", "after": "", "scaled": False, "units": []}
}


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("number", {"dating": DATING}),
        ("when", {"dating": None}),
        ("when", {"dating": DATING | {"parts": ["century"]}}),
        ("when", {"dating": DATING | {"parts": ["year", "year"]}}),
        ("when", {"dating": DATING | {"what": "week"}}),
        ("when", {"dating": DATING | {"order": "ydm"}}),
        ("money", {"notation": NOTATION | {"decimal": ";"}}),
        ("money", {"notation": NOTATION | {"thousands": ",,"}}),
        ("money", {"notation": NOTATION | {"scaled": 1}}),
        ("money", {"notation": NOTATION | {"units": "kg"}}),
        ("money", {"notation": {"decimal": "."}}),
        ("level", {"kind": "number"}),
        ("level", {"kind": "colour"}),
        ("level", {"missing": "NA"}),
        ("level", {"missing": [1]}),
        ("level", {"n_levels": -1}),
        ("level", {"n_levels": True}),
        ("level", {"why": 3}),
        ("level", {"doubts": [None]}),
        ("level", {"name": "level"}),
        ("level", {"colour": "red"}),
    ],
)
def test_a_plan_that_cannot_be_is_refused(name, told):
    with pytest.raises(ValueError, match="the encoder in the file is not valid"):
        from_parts(*tampered(name, **told))


def test_what_is_left_as_it_was_is_no_tampering():
    assert from_parts(*tampered("level")).plan == model("version3").encoder.plan
