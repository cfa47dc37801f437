"""Files become tables: what lies at the file, before anything is decided of its columns.

reading.py    what the user says of a file: separator, encoding, lines to skip, header
encodings.py  bytes -> UTF-8
foreign.py    tells what is no table: a web page, a picture, a pickle
layout.py     header, separator, titles and comments of delimited text
names.py      names of columns: doubled, lacking, or data in their place
delimited.py  delimited text -> table
records.py    JSON -> table
workbook.py   Excel and OpenDocument sheets -> table
typed.py      columns of Python values -> columns of one type each
joined.py     several files of one table
"""
