"""What the page sees of one session: what the tests of it share."""

from handgrad.playground import frame as frames
from handgrad.playground.runs import Runs


def layout(session):
    return frames.layout(Runs(session))


def frame(session, **how):
    return frames.look(Runs(session), **how).packed()
