"""Tables: from files and data frames to the numbers that a network takes in.

Listed in the order in which a cell travels.

    table.py        files of any kind -> named columns; reads, decides nothing (see files/)
    stored.py       a table that stays in its files
    frames.py       data frames -> the same; sequences.py, one column of Python values
    marks.py        what a table remembers of its file: CSV text, lines, notes
    arrow.py        Arrow's functions, without what pyarrow would import for them
    columns.py      one column, raw: its type, its texts, where a cell stands
    notation.py     1.448,00 €, (1.45), 14.5 kg: numbers as people write them
    dates.py        dates, times and durations, and the numbers that they become
    one_cell.py     what one cell means by itself, without a table
    kinds.py        THE KINDS OF COLUMNS: each knows how its cells are read
    plan.py         the plan: what each column of a table was taken for; shown, kept
    recognition/    decides what each column is, and makes the plan
    cells.py        all cells as their kinds read them; blocks.py, many columns as one matrix
    levels.py       which levels get an input, and what a text means among them
    encode.py       cells -> inputs: scaled, one-hot, missing ones flagged
    bins.py         robust scales, and the bins of numbers
    one_row.py      one row -> the same inputs, without a table
    gathering.py    an encoder from a table that comes in portions
    fitting.py      an encoder from the training rows; statistics.py, means and medians;
                    selection.py, medians of columns that no memory holds
    parts.py        an encoder <-> what a model file holds of it
    labels.py       labels of any type <-> 0..K-1, exactly; values.py, out of any container
    rows.py         picks rows of any kind of table, and finds equal ones
"""
