"""Training: epochs run, recorded, judged and ended.

run.py        where a network stands while it learns, and how it is to be trained
epochs.py     one pass over the rows, whole or batch by batch
train.py      epoch after epoch: validate, keep the best, stop; and L-BFGS
history.py    what is recorded
held_back.py  which rows are only looked at
"""

from handgrad.training.history import Epoch, History
from handgrad.training.run import Run, Settings
from handgrad.training.train import train

__all__ = ["Epoch", "History", "Run", "Settings", "train"]
