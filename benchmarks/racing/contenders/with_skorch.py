"""skorch: PyTorch behind scikit-learn's interface, with its callbacks and its holdout off."""

import torch
from skorch import NeuralNetClassifier
from with_torch import cross_entropy, network, read, write


class Contender:
    dtypes = ("float32", "float64")
    adam = "algorithm 1"

    def __init__(self, variant, threads):
        torch.set_num_threads(threads)

    def load(self, x, y_t, layer_units, theta, batch_size):
        self.x, self.y_t, self.batch_size = x, y_t, batch_size
        self.layer_units, self.theta = layer_units, theta

    def begin(self, optimizer, lr, shuffles):
        if optimizer == "adam":
            rule = {"optimizer": torch.optim.Adam}
        else:
            momentum = 0.9 if optimizer == "momentum" else 0.0
            rule = {"optimizer": torch.optim.SGD, "optimizer__momentum": momentum}
        dtype = torch.from_numpy(self.x[:1]).dtype
        self.net = NeuralNetClassifier(
            network(self.layer_units, dtype),
            criterion=torch.nn.CrossEntropyLoss,
            lr=lr,
            batch_size=self.batch_size,
            iterator_train__shuffle=shuffles,
            train_split=None,
            callbacks="disable",
            verbose=0,
            **rule,
        ).initialize()
        write(self.net.module_, self.theta, self.layer_units)

    def epochs(self, count):
        self.net.max_epochs = count
        self.net.partial_fit(self.x, self.y_t)

    def loss(self):
        with torch.no_grad():
            score = self.net.module_(torch.from_numpy(self.x)).double()
            return cross_entropy(score, torch.from_numpy(self.y_t))

    def parameters(self):
        return read(self.net.module_)
