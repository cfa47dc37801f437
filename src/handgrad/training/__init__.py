"""Training: run epochs, record and judge them, and stop.

run.py          Run, the state of a network while it learns, and Settings, how to train it
epochs.py       one pass over the rows, whole or batch by batch
train.py        epoch after epoch: validate, keep the best, and WHY A FIT STOPS (``_judge``); L-BFGS
ahead.py        several networks at once: later ones ahead of their turn
history.py      the record: Epoch, and History with the reason why the fit stopped
held_back.py    which rows are held back to validate on
held_stored.py  the same of rows whose keys lie on the disk
"""

from handgrad.training.history import Epoch, History
from handgrad.training.run import Run, Settings
from handgrad.training.train import train

__all__ = ["Epoch", "History", "Run", "Settings", "train"]
