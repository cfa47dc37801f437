"""A fitted estimator, written in the forms in which a model travels."""

from __future__ import annotations

from abc import abstractmethod
from os import PathLike
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from handgrad.estimators.underway import seen

if TYPE_CHECKING:
    from handgrad.export import Loss
    from handgrad.models.model import Model


class Travels:
    """What leaves a fit for places without handgrad."""

    @property
    @abstractmethod
    def model_(self) -> Model:
        """The trained network, with all that comes before and after."""

    @abstractmethod
    def _asked(self, X: Any) -> tuple[Model, Any]:
        """Give the model, and rows as it takes them."""

    def to_python(self, path: str | PathLike[str]) -> None:
        """Write the model as one Python file that predicts by itself and needs NumPy alone.

        The file reads cells as the model does, has ``predict`` and, for classes,
        ``predict_proba``, and is a program for CSV files: see ``handgrad.export``.

        Raises
        ------
        DataError
            If the labels are neither texts nor numbers nor booleans.
        OSError
            If the file cannot be written; a file that stood there before is left as it was.
        """
        self._export("python", path)

    def to_javascript(self, path: str | PathLike[str]) -> None:
        """Write the model as one ES module of JavaScript that predicts by itself.

        The module reads cells as the model does, and has ``predict`` and, for classes,
        ``predictProba``, for browsers and Node: see ``handgrad.export``.

        Raises
        ------
        DataError
            If the labels are neither texts nor numbers nor booleans, or are whole numbers from
            2**53 on.
        OSError
            If the file cannot be written; a file that stood there before is left as it was.
        """
        self._export("javascript", path)

    def to_onnx(self, path: str | PathLike[str]) -> None:
        """Write the model as a graph of ONNX, with all preparation inside.

        The inputs are called like the columns, the outputs like those of skl2onnx: see
        ``docs/shipping.md``.

        Raises
        ------
        DataError
            If the package onnx is not installed, or the labels are none that ONNX has.
        OSError
            If the file cannot be written; a file that stood there before is left as it was.
        """
        self._export("onnx", path)

    def to_c(
        self,
        path: str | PathLike[str],
        *,
        name: str | None = None,
        dtype: str = "float32",
        int8: Any = None,
        y: Any = None,
    ) -> Loss | None:
        """Write the model as one header of C99 for microcontrollers, which allocates nothing.

        The header has a struct of a row's columns and a function that predicts it; it says what
        each member holds and how much memory it takes: see ``docs/shipping.md``.

        Parameters
        ----------
        path : path-like
            Of the header.
        name : str, optional
            What all names of the header begin with; made of the file's name if none is given.
        dtype : {"float32", "float64"}
            In what the header computes: float, or double for the precision of a float64 model.
        int8 : array-like or frame of shape (n_samples, n_features), optional
            Calibration rows, some hundreds: then the weights are whole numbers of 8 bits, and
            behind the encoding of a row all is computed in whole numbers.
        y : array-like, optional
            The truth of these rows, which the loss tells the accuracy by.

        Returns
        -------
        Loss or None
            What whole numbers lose on the calibration rows, if there are any.

        Raises
        ------
        DataError
            If the model cannot be written so, or the rows cannot be used.
        OSError
            If the file cannot be written; a file that stood there before is left as it was.
        """
        from handgrad.export import check_settings, name_from, quantise  # few need it

        if y is not None and int8 is None:
            raise ValueError(
                "y is the truth of the rows of int8; pass these rows, too, or leave y out"
            )
        settings: dict[str, Any] = {"name": name_from(path) if name is None else name}
        check_settings(settings["name"], dtype, is_whole=int8 is not None)
        model: Model | None = None
        if int8 is not None:
            model, columns = self._asked(int8)
            truth = None if y is None else self._truth(y, int8)
            settings["quantised"] = quantise(model, columns, truth)
        self._export("c", path, model, dtype=dtype, **settings)
        return settings["quantised"].loss if int8 is not None else None

    @abstractmethod
    def _truth(self, y: Any, X: Any) -> NDArray[Any]:
        """Give the truth of rows in the numbers that scores are compared with."""

    def _export(
        self, form: str, path: str | PathLike[str], model: Model | None = None, **settings: Any
    ) -> None:
        from handgrad.export import write  # few need it

        if model is None:  # as other threads see it
            now = seen(self)
            check_is_fitted(now)
            model = now.model_
        write(model, form, path, **settings)
