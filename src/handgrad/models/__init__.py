"""The result of a fit: a model, its file, and its evaluation.

model.py        Model: encoder, networks and classes; takes a table to a prediction
predictor.py    Predictor: one row at a time, for services
file.py         WHAT A MODEL FILE HOLDS: the parts of a Model, and their checks when read
container.py    the bytes of that file: header, tensors, digest (docs/model_file.md has the format)
calibration.py  the temperature that makes probabilities fit the outcomes
evaluation.py   how good predictions are
"""
