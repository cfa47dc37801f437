"""Recognise what all columns of a table are: make its plan, once, from all rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handgrad.errors import DataError
from handgrad.tables.plan import Plan
from handgrad.tables.recognition.column import column_of
from handgrad.tables.recognition.wide import plain_columns
from handgrad.tables.recognition.wishes import NO_WISHES, Wishes

if TYPE_CHECKING:
    import pyarrow as pa

    from handgrad.tables.kinds import Column


def plan_of(table: pa.Table, wishes: Wishes = NO_WISHES) -> Plan:
    """Decide what each column of a table is.

    Raises
    ------
    DataError
        If nothing can be learnt from the type of a column, or a declared kind does not fit; the
        message names all columns at fault.
    """
    wishes.check(table.column_names)
    plan = Plan(_columns(table, wishes))
    if not plan.used:  # nothing varies: then that is what is learnt
        plan = Plan(_columns(table, wishes._replace(keeps_constants=True)))
    return plan


def _columns(table: pa.Table, wishes: Wishes) -> tuple[Column, ...]:
    plain = plain_columns(table, wishes)
    columns, faults = [], []
    for name in table.column_names:
        try:
            columns.append(plain[name] if name in plain else column_of(table, name, wishes))
        except DataError as error:
            faults.append(str(error))
    if faults:
        raise DataError("; ".join(faults))
    return tuple(columns)
