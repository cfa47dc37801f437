"""Who goes on after the race, and who predicts with how many votes."""

import numpy as np
import pytest

from handgrad.estimators.voting import VOTES, unbeaten, votes
from handgrad.losses import PLAIN
from handgrad.outputs import OUTPUTS

EQUAL = np.full(400, 1 / 400)


def test_the_least_mean_loss_comes_first_and_who_may_be_as_good_goes_on():
    rng = np.random.default_rng(0)
    noise, best = rng.normal(size=400), rng.random(400)
    near = best + 0.01 + 0.2 * noise  # .01 is one standard error
    far = best + 0.05 + 0.2 * noise  # .05 is five
    assert unbeaten([far, best, near], EQUAL) == [1, 2]


def test_the_losses_of_equal_rows_are_compared_not_those_of_two_samples():
    rng = np.random.default_rng(0)
    hard = 100 * rng.random(400)  # the rows differ far more than the contenders
    assert unbeaten([hard + 0.1 + 0.01 * rng.random(400), hard], EQUAL) == [1]


def test_a_row_of_weight_0_says_nothing():
    loss, other = np.zeros(400), np.zeros(400)
    other[:200] = 5
    share = np.where(np.arange(400) < 200, 0, 1 / 200)
    assert unbeaten([loss, other], share) == [0, 1]


def test_weights_widen_the_error():
    """A row that weighs as much as all others leaves doubt that equal rows would not."""
    worse = np.r_[0.0, 0.1 + 0.01 * np.random.default_rng(0).random(399)]
    heavy = np.r_[0.5, np.full(399, 0.5 / 399)]
    assert unbeaten([np.zeros(400), worse], EQUAL) == [0]
    assert unbeaten([np.zeros(400), worse], heavy) == [0, 1]


def test_one_row_leaves_all_in_doubt():
    assert unbeaten([np.array([0.301]), np.array([0.3])], np.ones(1)) == [1, 0]
    nearly_one = np.r_[1 - 1e-12, np.full(10, 1e-13)]
    losses = [np.full(11, 0.301), np.full(11, 0.3)]
    assert unbeaten(losses, nearly_one / nearly_one.sum()) == [1, 0]


def test_equal_contenders_go_on_in_their_order():
    assert unbeaten([np.ones(400), np.ones(400), np.zeros(400)], EQUAL) == [2]
    assert unbeaten([np.ones(400), np.ones(400)], EQUAL) == [0, 1]


@pytest.mark.parametrize("name", sorted(OUTPUTS))
def test_votes_go_to_who_lessens_the_loss_of_the_mean(name):
    """Two teams with errors of their own together beat each; a third that knows nothing gets none.

    The loss of the mean by these votes is no more than that of any team, and of equal shares.
    """
    output = OUTPUTS[name]
    n, n_scores = 3000, 3
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(n, n_scores))
    if output.takes_classes:
        y_t = truth.argmax(axis=1)
    elif output.classifies:
        y_t = (truth > 0).astype(np.intp)
    else:
        y_t = np.exp(truth) if name == "poisson" else truth
    scale = 2.0 if output.classifies else 1.0
    teams = [scale * truth + rng.normal(size=truth.shape) for _ in range(2)]
    teams.append(rng.normal(size=truth.shape) * 3)

    def mean_loss(score):
        return float(output.mean_loss(score, y_t, None, PLAIN))

    counts = votes(teams, output.mean_scores, mean_loss)
    assert sum(counts) == VOTES
    assert counts[2] == 0
    assert min(counts[:2]) >= 3
    shares = np.array(counts) / VOTES
    found = mean_loss(output.mean_scores(np.stack(teams), shares))
    assert found < min(map(mean_loss, teams))
    assert found < mean_loss(output.mean_scores(np.stack(teams)))


def test_one_team_has_all_votes():
    assert votes([np.zeros((5, 1))], None, None) == [VOTES]
