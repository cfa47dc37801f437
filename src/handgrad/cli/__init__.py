"""The command line, a command a file.

Progress goes to stderr, results to stdout, and the exit code says how it went:

    0 done    2 usage    3 data    4 model file    5 input/output    6 diverged    130 interrupted
    1 a gradient is wrong (gradcheck)

Nothing that a user can do ends in a traceback.

entry        the list of commands, each imported when it is asked for, and how one is run
fit          from a table to a trained model: ``handgrad fit``
cv           the same for each fold of a table, judged by that fold: ``handgrad cv``
distil       a small model that learns from a large one: ``handgrad distil``
predict, evaluate, info, explain (with gradcheck), export, play
             the other commands
fit_options  the options of fit and cv, with the parameters of the estimators that they set
recipes      the estimators that train, of a strong and of a plain recipe
settings     which of these options go together, and the parameters that they make
piles        fit to a table that stays in its files
workers      fit in several processes, which speak with one voice
training     an estimator trained, with its progress shown
outcome      the outcome of a fit, and the files it writes
predictions  predictions as CSV, beside columns of the table
judge        what a model predicts, compared with the truth
data, parts  a labelled table, looked at closely, and its rows set apart
truth        labels, numbers and weights of rows, for fit and for evaluate
columns      the columns of a table: their names, what they are taken for
encoding     a table turned into what a model takes
distilled    a student and its teacher compared, in words and as JSON
raced        the race of a strong training, in words and as JSON
results      a network and the judgement on it, in words and as JSON
options      types of options, and options that several commands have
checks       what is refused before any work is done
libraries    large libraries, loaded so that an interrupt breaks none
exits        how errors and interrupts become messages and exit codes
"""

from handgrad.cli.entry import main, run

__all__ = ["main", "run"]
