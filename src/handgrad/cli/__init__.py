"""The command line, a command a file.

Progress goes to stderr, results to stdout, and the exit code says how it went:

    0 done    2 usage    3 data    4 model file    5 input/output    6 diverged    130 interrupted
    1 a gradient is wrong (gradcheck)

Nothing that a user can do ends in a traceback.

entry        the commands together, and how they are run
fit          from a table to a trained model: ``handgrad fit``
cv           the same several times, each time judged by other rows: ``handgrad cv``
fit_options  their options, in the groups that their help shows
settings     what those options mean to an estimator, and which do not go together
training     an estimator trained, with its progress shown
predictions  what a model says of rows, beside columns of the table, as CSV
outcome      all that a fit has to tell, and the files it writes
predict, evaluate, info, explain (with gradcheck), play
             the other commands
judge        the truth of a table's rows, and the judgement on a model of any kind
data         a labelled table, looked at closely, its rows set apart
weights      the column that says how much each row counts
options      types of options, and options that several commands have
checks       what is refused before any work is done
libraries    large libraries, loaded so that an interrupt breaks none
exits        how errors and interrupts become messages and exit codes
"""

from handgrad.cli.entry import main, run

__all__ = ["main", "run"]
