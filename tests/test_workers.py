"""Workers: one training shared among processes, with the bits of one that does all the work."""

import hashlib
import sys
from itertools import product

import numpy as np
import pytest
from common import ENGINES
from together import at_once

from handgrad import MLPClassifier
from handgrad.workers.seam import Alone

pytestmark = [
    pytest.mark.filterwarnings("ignore::handgrad.errors.WorkersWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]
