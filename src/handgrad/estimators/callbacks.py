"""The callbacks of scikit-learn 1.9, where they exist; with an older one there are none."""

from typing import Any

from handgrad.estimators.underway import FIT

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # before 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Nothing: this scikit-learn has no callbacks to support."""

    def with_callbacks(method: Any) -> Any:
        """Leave a method as it is."""
        return method


__all__ = ["CallbackSupportMixin", "Callbacks", "with_callbacks"]


class Callbacks:
    """Tells the callbacks of an estimator, if it has any, how its fit goes on."""

    def __init__(self, estimator: Any, X: Any, y: Any, epochs: int) -> None:
        self._estimator, self._data = estimator, {"X": X, "y": y}
        self._context = None
        if hasattr(estimator, "_skl_callbacks") or hasattr(estimator, "_parent_callback_ctx"):
            self._context = estimator._init_callback_context(max_subtasks=epochs)
            self._context.call_on_fit_task_begin(estimator=estimator, **self._data)

    @property
    def listen(self) -> bool:
        """Whether there are any."""
        return self._context is not None

    def epoch(self, fit: Any) -> bool:
        """Tell of an epoch's end; True asks training to stop."""
        if self._context is None:
            return False
        task = self._context.subcontext(task_name="epoch")
        task.call_on_fit_task_begin(estimator=self._estimator, **self._data)
        fitted = {FIT: fit}
        stop = task.call_on_fit_task_end(
            estimator=self._estimator, **self._data, reconstruction_attributes=fitted
        )
        return bool(stop)

    def end(self) -> None:
        """Tell of the end of the fit."""
        if self._context is not None:
            fitted = {FIT: vars(self._estimator)[FIT]}
            self._context.call_on_fit_task_end(
                estimator=self._estimator, **self._data, reconstruction_attributes=fitted
            )
