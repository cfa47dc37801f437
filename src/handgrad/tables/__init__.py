"""Tables: from files and data frames to the numbers that a network takes in.

table.py     CSV, Parquet, data frames -> named columns. Reads; decides nothing
columns.py   one column as numbers, as texts or as labels
encode.py    columns -> matrix: scale, one-hot, missing cells. Fitted once, saved with the model
labels.py    labels of any type <-> 0..K-1, exactly
rows.py      picks rows of any kind of table, and tells equal ones
"""
