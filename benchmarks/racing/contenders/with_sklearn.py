"""scikit-learn's MLPClassifier, as ``fit`` trains it: early stopping off, alpha 0, tol never met.

``epochs`` is one ``fit(max_iter=count)`` that goes on from the parameters (warm_start), so
that its checks of the input are paid once in many epochs. Rows that lack a class, which
occur in the check only, go through ``partial_fit``.
"""

import warnings

import numpy as np
from layout import join, split
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

warnings.simplefilter("ignore")


class Contender:
    dtypes = ("float32", "float64")
    adam = "late"

    def __init__(self, variant, threads):
        self.limits = threadpool_limits(threads)

    def load(self, x, y_t, layer_units, theta, batch_size):
        self.x, self.y_t, self.layer_units, self.theta = x, y_t, layer_units, theta
        self.batch_size = min(batch_size, len(x))
        self.classes = np.arange(layer_units[-1])
        self.has_all = len(np.unique(y_t)) == len(self.classes)

    def begin(self, optimizer, lr, shuffles):
        self.model = model = MLPClassifier(
            hidden_layer_sizes=self.layer_units[1:-1],
            solver="adam" if optimizer == "adam" else "sgd",
            momentum=0.9 if optimizer == "momentum" else 0.0,
            nesterovs_momentum=False,
            learning_rate_init=lr,
            alpha=0,
            batch_size=self.batch_size,
            shuffle=shuffles,
            tol=0,
            n_iter_no_change=np.inf,
            random_state=0,
        )
        # a first call makes the arrays; then the agreed parameters and a fresh optimiser
        model.partial_fit(self.x, self.y_t, classes=self.classes)
        del model._optimizer
        layers = split(self.theta, self.layer_units)
        model.coefs_, model.intercepts_ = [W for W, _ in layers], [b for _, b in layers]

    def epochs(self, count):
        if self.has_all:
            self.model.set_params(warm_start=True, max_iter=count).fit(self.x, self.y_t)
        else:
            for _ in range(count):
                self.model.partial_fit(self.x, self.y_t)

    def loss(self):
        y = self.model.predict_proba(self.x)
        return -np.log(y[np.arange(len(y)), self.y_t]).mean(dtype=np.float64)

    def parameters(self):
        return join(list(zip(self.model.coefs_, self.model.intercepts_, strict=True)))
