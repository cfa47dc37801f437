"""Files become tables: what lies at the file, before anything is decided of its columns.

source.py     the bytes of a file: held in memory, or left in the file
portions.py   a file as a sequence of tables that are read alike
reading.py    what the user says of a file: separator, encoding, lines to skip, header
encodings.py  bytes -> UTF-8
foreign.py    tells what is no table: a web page, a picture, a pickle
layout.py     header, separator, titles and comments of delimited text
names.py      names of columns: doubled, lacking, or data in their place
parsing.py    the rows of delimited text, as the parser gives them
delimited.py  delimited text -> table
columnar.py   Parquet -> table
records.py    JSON -> table
workbook.py   Excel and OpenDocument sheets -> table
typed.py      columns of Python values -> columns of one type each
joined.py     several files of one table
"""
