"""Files become tables, before anything is decided about their columns.

source.py     the bytes of a file: held in memory, or left in the file
portions.py   a file as a sequence of tables of the same columns
reading.py    how the user wants a file read: separator, encoding, lines to skip, header
encodings.py  bytes -> UTF-8
foreign.py    recognises files that are not tables: a web page, a PDF, a pickle
layout.py     header, separator, titles and comments of delimited text
names.py      names of columns: repeated, lacking, or data in their place
parsing.py    the rows of delimited text, as the parser gives them
delimited.py  delimited text -> table
columnar.py   Parquet -> table
records.py    JSON -> table
workbook.py   Excel and OpenDocument sheets -> table
typed.py      columns of Python values -> columns of one type each
joined.py     several files as one table
"""
