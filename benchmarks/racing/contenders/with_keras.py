"""Keras on JAX: a Sequential model trained by ``fit``."""

import os

os.environ["KERAS_BACKEND"] = "jax"

import keras
import numpy as np
from layout import join, split


class Contender:
    dtypes = ("float32",)
    adam = "late"

    def __init__(self, variant, threads):
        pass

    def load(self, x, y_t, layer_units, theta, batch_size):
        self.x, self.y_t, self.batch_size = x, y_t, batch_size
        self.layer_units, self.theta = layer_units, theta

    def begin(self, optimizer, lr, shuffles):
        keras.backend.clear_session()
        hidden = [keras.layers.Dense(units, "relu") for units in self.layer_units[1:-1]]
        self.model = keras.Sequential(
            [keras.Input((self.layer_units[0],)), *hidden, keras.layers.Dense(self.layer_units[-1])]
        )
        layers = split(self.theta, self.layer_units)
        self.model.set_weights([part for layer in layers for part in layer])
        rules = {
            "sgd": lambda: keras.optimizers.SGD(lr),
            "momentum": lambda: keras.optimizers.SGD(lr, momentum=0.9),
            "adam": lambda: keras.optimizers.Adam(lr, epsilon=1e-8),
        }
        self.model.compile(
            rules[optimizer](), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        )
        self.shuffles = shuffles

    def epochs(self, count):
        self.model.fit(
            self.x, self.y_t, batch_size=self.batch_size, epochs=count,
            shuffle=self.shuffles, verbose=0,
        )  # fmt: skip

    def loss(self):
        score = np.asarray(self.model.predict(self.x, batch_size=4096, verbose=0), np.float64)
        score -= score.max(axis=1, keepdims=True)
        log_sum = np.log(np.exp(score).sum(axis=1))
        return (log_sum - score[np.arange(len(score)), self.y_t]).mean()

    def parameters(self):
        return join([self.model.get_weights()])
