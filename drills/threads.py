"""One model in eight threads, an estimator that is refitted while others predict, interrupts.

Predictions in threads are those of one thread, bit for bit. During a refit they are the old
model's or the new one's. After an interrupt the record and the parameters are of one epoch.
"""

import itertools
import signal
import threading
import time
import warnings

import house
import numpy as np

COUNT = 6000
THREADS = 8


def drill(tally, folder):
    warnings.simplefilter("ignore")  # few epochs need not converge
    third = tally.count // 3
    cases = trained()
    tally.begin()
    ends = [tally.deadline - tally.seconds * part for part in (2 / 3, 1 / 3, 0)]
    equal = in_threads(tally, cases, ends[0], third)
    torn = while_refitted(tally, ends[1], third)
    stopped = interrupted(tally, ends[2], third)
    return f"{equal:,} predictions in 8 threads, {torn:,} during refits, {stopped:,} interrupts"


def engines():
    from handgrad.engines.compiled.backend import missing

    return ("numpy",) if missing() else ("numpy", "compiled")


# -- predicting in threads ---------------------------------------------------------------------


def trained():
    """Train on every engine and in every precision, with what each predicts in one thread."""
    rows, cases = house.points(400)[0], []
    for engine, dtype in itertools.product(engines(), ("float32", "float64")):
        model = house.classifier((64, 32), engine=engine, dtype=dtype)
        cases.append((f"{engine}, {dtype}", model, rows, model.predict_proba(rows)))
    return cases


def in_threads(tally, cases, deadline, count):
    def strike(number):
        name, model, rows, expected = cases[number % len(cases)]
        same = np.array_equal(model.predict_proba(rows), expected)
        tally.expect(same, f"{name}: a thread predicts other bits")

    numbers = Until(deadline, count)
    house.at_once(THREADS, strike, numbers)
    return numbers.given


class Until:
    """Numbers from 0, until a count or a time."""

    def __init__(self, deadline, count):
        self.deadline, self.count, self.given = deadline, count, 0

    def __iter__(self):
        return self

    def __next__(self):
        if self.given >= self.count or time.monotonic() > self.deadline:
            raise StopIteration
        self.given += 1
        return self.given - 1


# -- predicting during refits ------------------------------------------------------------------


def while_refitted(tally, deadline, count):
    x, y = house.points(300)
    cases = list(itertools.product(engines(), (False, True)))
    made, began = 0, time.monotonic()
    for place, (engine, warm) in enumerate(cases, start=1):
        model = house.classifier((32,), engine=engine, max_iter=20, warm_start=warm)
        end = began + (deadline - began) * place / len(cases)
        seen, known = watched(model, x, y, Until(end, count // 4))
        made += len(seen)
        for answer in seen:
            told = answer if isinstance(answer, str) else "neither the old model nor the new one"
            how = "warm start" if warm else "refit"
            tally.expect(answer in known, f"{engine}, {how}: {told}")
    return made


def watched(model, x, y, numbers):
    """Predict in a thread while this one refits; give all answers, and those of whole models."""
    seen, over = [], threading.Event()

    def watch():
        for _ in numbers:
            try:
                seen.append(model.predict_proba(x).tobytes())
            except Exception as error:
                seen.append(f"{type(error).__name__}: {error}")
        over.set()

    known, thread = {model.predict_proba(x).tobytes()}, threading.Thread(target=watch)
    thread.start()
    for number in itertools.count(1):
        model.set_params(random_state=number)
        model.fit(x, y)
        known.add(model.predict_proba(x).tobytes())
        if over.is_set():
            thread.join()
            return seen, known


# -- interrupts --------------------------------------------------------------------------------


def interrupted(tally, deadline, count):
    x, y = house.points(300)
    settings = {"hidden_layer_sizes": (16,), "random_state": 0, "tol": 0, "n_iter_no_change": 10**6}
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    chance, stopped = np.random.default_rng(0), 0
    for number in Until(deadline, count):
        model = estimator(engines()[number % len(engines())], settings, max_iter=100_000)
        try:
            signal.setitimer(signal.ITIMER_REAL, chance.uniform(0.001, 0.1))
            model.fit(x, y)
        except KeyboardInterrupt:
            pass
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        if hasattr(model, "n_iter_"):
            stopped += 1
            told = disagreement(model, settings, x, y)
            tally.expect(told is None, f"interrupt of the {model.engine} engine: {told}")
    return stopped


def estimator(engine, settings, **further):
    from handgrad import MLPClassifier

    return MLPClassifier(engine=engine, **settings, **further)


def disagreement(model, settings, x, y):
    """Compare an interrupted fit with one that ends after as many epochs as its record has."""
    if not len(model.loss_curve_) == model.n_iter_ == len(model.history_.epochs):
        return f"n_iter_ {model.n_iter_}, loss_curve_ {len(model.loss_curve_)}"
    whole = estimator(model.engine, settings, max_iter=model.n_iter_).fit(x, y)
    if whole.loss_curve_ != model.loss_curve_:
        return "another loss_curve_ than without an interrupt"
    same = all(map(np.array_equal, whole.coefs_, model.coefs_))
    return None if same else f"the parameters are not those of epoch {model.n_iter_}"
