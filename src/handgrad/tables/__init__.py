"""Tables: from files and data frames to the numbers that a network takes in.

Listed in the order in which a cell travels.

    table.py        files of any kind -> named columns; reads, decides nothing (see files/)
    frames.py       data frames -> the same; sequences.py, one column of Python values
    marks.py        what a table remembers of its file: CSV text, lines, notes
    columns.py      one column, raw: its type, its texts, where a cell stands
    notation.py     1.448,00 €, (1.45), 14.5 kg: numbers as people write them
    dates.py        dates, times and durations, and the numbers that they become
    kinds.py        THE KINDS OF COLUMNS: each knows how its cells are read
    recognition.py  which kind a column is; wide.py, thousands of plain numbers at once
    plan.py         the plan of all columns: made once, shown, kept
    cells.py        all cells as their kinds read them; blocks.py, many columns as one matrix
    statistics.py   means, deviations, medians
    levels.py       which levels get an input, and what a text means among them
    encode.py       cells -> inputs: scaled, one-hot, missing ones flagged
    parts.py        an encoder <-> what a model file holds of it
    labels.py       labels of any type <-> 0..K-1, exactly; values.py, out of any container
    rows.py         picks rows of any kind of table, and tells equal ones
"""
