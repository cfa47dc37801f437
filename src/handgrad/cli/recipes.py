"""The recipes by which ``fit`` and ``cv`` train, and the estimators that follow them."""

from typing import Any, NamedTuple

STRONG, PLAIN = "strong", "plain"


class Recipe(NamedTuple):
    """A way to train: an estimator for each task, and parameters that no option sets."""

    estimators: dict[str, str]  # by task, the name of a class
    parameters: dict[str, Any]

    def estimator(self, task: str, parameters: dict[str, Any]) -> Any:
        """Make the estimator of a task."""
        from handgrad import estimators

        kind = getattr(estimators, self.estimators[task])
        return kind(**self.parameters, **parameters)


RECIPES = {
    STRONG: Recipe({"classification": "TabularClassifier", "regression": "TabularRegressor"}, {}),
    PLAIN: Recipe(
        {"classification": "MLPClassifier", "regression": "MLPRegressor"}, {"dtype": "float32"}
    ),
}
