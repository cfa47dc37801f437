"""Recognition: what each column of a table is, decided by what most of its cells are.

wishes.py      what the user says about the columns
numbers.py     numbers: quantities, 0 and 1, dates such as 20210304; which may be ids
categories.py  texts: levels, or free text that is left out
column.py      one column, whatever it holds
wide.py        thousands of columns at once, those that need no second look
target.py      the column to predict, as numbers
planning.py    all columns: the plan of the table
"""
