"""What a fit leaves: a model, the file that keeps it, and the judgement on it.

model.py        the value: encoder, networks, classes; from a table to a prediction
file.py         the model in one file, checked when it is read
container.py    the bytes of that file
calibration.py  probabilities made to fit what happens
evaluation.py   how good predictions are
"""
