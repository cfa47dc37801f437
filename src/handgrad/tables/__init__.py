"""Tables: from files and data frames to the numbers that a network takes in.

table.py     files of any kind -> named columns. Reads; decides nothing. Below it:
               delimited.py CSV, records.py JSON, workbook.py Excel, joined.py several files;
               layout.py where a text's header is, names.py a name for each column, cells.py
               a type for each; encodings.py, foreign.py what is no table, reading.py what
               the user asked for, marks.py what a table remembers of its file
frames.py    data frames -> named columns
columns.py   one column as numbers, as texts or as labels
encode.py    columns -> matrix: scale, one-hot, missing cells. Fitted once, saved with the model
labels.py    labels of any type <-> 0..K-1, exactly
rows.py      picks rows of any kind of table, and tells equal ones
"""
