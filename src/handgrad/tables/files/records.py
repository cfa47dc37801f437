"""JSON becomes a table: one object per line, or a list of objects; their names are the columns."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from handgrad.errors import DataError
from handgrad.tables.files.encodings import check_utf8
from handgrad.tables.files.names import check_distinct
from handgrad.text import listed, quoted

if TYPE_CHECKING:
    import pyarrow as pa

    from handgrad.tables.files.reading import Reading
    from handgrad.tables.files.source import Held

    Record = dict[str, Any]

_OBJECT = re.compile(rb'\s*(?:\[\s*)?\{\s*(?:"|\})')
_ADVICE = "write one object per line: in pandas df.to_json(path, orient='records', lines=True)"


def is_json(text: bytes, path: str) -> bool:
    ending = path.lower().removesuffix(".gz").rpartition(".")[2]
    return ending in ("json", "jsonl", "ndjson") or _OBJECT.match(text) is not None


def json_records(text: Held, reading: Reading) -> pa.Table:
    """Read the objects; each name is a column, and null and absent values are missing.

    Raises
    ------
    DataError
        If it is other JSON, or not JSON; the message gives the line or names the columns.
    """
    reading.check_only("JSON", "encoding")
    check_utf8(text.head)
    is_list = text.head.lstrip().startswith(b"[")
    table = _of_list(text.head) if is_list else _of_lines(text)
    check_distinct(table.column_names, "JSON")
    _check_flat(table)
    return table


def _of_list(text: bytes) -> pa.Table:
    try:
        records = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"the JSON is damaged: {quoted(error)}; write it again") from None
    for place, record in enumerate(records, start=1):
        if not isinstance(record, dict):
            raise DataError(f"element {place} of the JSON list is not an object; {_ADVICE}")
    return _of_records(records)


def _of_lines(text: Held) -> pa.Table:
    import pyarrow as pa
    from pyarrow import json as arrow_json

    from handgrad.tables.frames import without_views

    def parsed(schema: pa.Schema | None) -> pa.Table:
        options = arrow_json.ParseOptions(explicit_schema=schema)
        return arrow_json.read_json(text.arrow(), parse_options=options)

    try:
        table = parsed(None)
        # a value in quotes is text, even if it looks like a date
        times = [field for field in table.schema if pa.types.is_timestamp(field.type)]
        texts = pa.schema([field.with_type(pa.string()) for field in times])
        return without_views(parsed(texts).select(table.column_names) if times else table)
    except MemoryError:
        raise
    except pa.ArrowException:  # such as a column of texts and numbers
        return _of_records(_lines(text.head))


def _lines(text: bytes) -> list[Record]:
    records = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(
                f"line {number}: not a JSON object: {quoted(error)}; {_ADVICE}"
            ) from None
        if not isinstance(record, dict):
            raise DataError(f"line {number}: not a JSON object, but {quoted(line)}; {_ADVICE}")
        records.append(record)
    return records


def _of_records(records: list[Record]) -> pa.Table:
    import pyarrow as pa

    from handgrad.tables.files.typed import typed

    names = list(dict.fromkeys(name for record in records for name in record))
    nested = [n for n in names if any(isinstance(r.get(n), dict | list) for r in records)]
    _refuse_nested(nested, is_one_object=len(records) == 1)
    try:
        columns = [typed(name, [record.get(name) for record in records]) for name in names]
    except UnicodeEncodeError as error:  # JSON can spell it, but no text can hold it
        raise DataError(
            f"the JSON holds half of a surrogate pair, \\u{ord(error.object[error.start]):04x}, "
            "which is not a character; write whole characters"
        ) from None
    return pa.table([array for _, array in columns], schema=pa.schema([f for f, _ in columns]))


def _check_flat(table: pa.Table) -> None:
    import pyarrow as pa

    nested = [field.name for field in table.schema if pa.types.is_nested(field.type)]
    _refuse_nested(nested, is_one_object=table.num_rows == 1)


def _refuse_nested(names: list[str], *, is_one_object: bool) -> None:
    if not names:
        return
    advice = _ADVICE if is_one_object else "split them into columns of their own"
    hold = "holds" if len(names) == 1 else "hold"
    raise DataError(
        f"each value must be a text, a number, true, false or null, but {listed(names)} {hold} "
        f"objects or lists; {advice}"
    )
