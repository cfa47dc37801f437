"""How many threads a step is worth just now: tried, for other work on the machine comes and goes.

Threads meet twice a step, so one that the system lets wait holds up the others: beside another busy
process, two threads took three times as long as one. No bit depends on their number, so each call
may have another.
"""

CALLS_BETWEEN = 8  # trials of a number that was as fast as the best; slower ones wait longer
TRIALS = 2  # of each number at first, in turns: a single call may have met something else
NEW = 0.5  # part of the newest time in what is remembered, if it was longer


class Pace:
    """The seconds that a step took, for each number of threads.

    Parameters
    ----------
    most : int
        Most threads; half of them, a quarter, ... and 1 are tried, too.
    """

    def __init__(self, most: int) -> None:
        self._numbers = [most]
        while self._numbers[-1] > 1:
            self._numbers.append(self._numbers[-1] // 2)
        self._seconds: dict[int, float] = {}
        self._trials = self._numbers * TRIALS
        self._calls_since = dict.fromkeys(self._numbers, 0)

    def threads(self) -> int:
        """Choose the number of threads of the next call."""
        if self._trials:
            return self._trials[0]
        best = min(self._numbers, key=self._seconds.__getitem__)
        for number in self._numbers:
            slower = self._seconds[number] / self._seconds[best]
            if number != best and self._calls_since[number] > CALLS_BETWEEN * slower**2:
                return number
        return best

    def note(self, threads: int, seconds: float) -> None:
        """Remember the seconds of a step in a call of that number of threads."""
        if len(self._numbers) == 1:
            return
        if threads in self._trials:
            self._trials.remove(threads)
        for number in self._numbers:
            self._calls_since[number] += 1
        self._calls_since[threads] = 0
        before = self._seconds.get(threads, seconds)
        newest = min(seconds, 2 * before)  # one slow call says little
        self._seconds[threads] = min(seconds, NEW * newest + (1 - NEW) * before)
