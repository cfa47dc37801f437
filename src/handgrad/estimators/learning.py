"""Training proper: the settings of a run, its epochs or iterations, and how it ended."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial as partially

from sklearn.exceptions import ConvergenceWarning

from handgrad.batch import Rows
from handgrad.engines.choice import choose
from handgrad.errors import DivergenceWarning
from handgrad.estimators.callbacks import Callbacks
from handgrad.estimators.checks import warn
from handgrad.estimators.fitting import fitting_of
from handgrad.estimators.progress import Show, progress
from handgrad.estimators.record import ROWS_FOR_A_WARNING, Record, Validation
from handgrad.estimators.stream import with_params
from handgrad.optim import SGD, Adam, AdamW, LBFGSResult, Optimizer
from handgrad.schedules import OF_TIME
from handgrad.training.history import Epoch
from handgrad.training.run import Run, Settings, steps_of
from handgrad.training.train import OnEpoch, train, train_lbfgs


class Learning(Record):
    """The part of an estimator that trains its networks."""

    def _use(self, engine: str, reason: str) -> None:
        self.engine_, self.engine_reason_ = engine, reason
        self.model_ = replace(self.model_, engine=engine)
        if self.verbose:
            print(f"Engine: {engine} ({reason})")

    def _minimise(self, rows: Rows, callbacks: Callbacks | None) -> None:
        self._use("numpy", "lbfgs runs on the reference")
        results = []
        with self._training(self.max_iter) as show:
            for number, run in enumerate([run.twin() for run in self._runs]):
                on_epoch = partially(self._record, number, run, show, None, callbacks)
                found = self._minimise_one(run, rows, on_epoch)
                self._end(number, run, self._end_of(found))
                results.append(found)
        # One that has converged at once has no iteration.
        self.model_ = with_params(self.model_, [run.params for run in self._runs])
        self.loss_ = self.best_loss_ = results[0].loss
        self._keep_whole(0)
        for found in results:
            if not (found.converged or found.stopped):
                warn(
                    f"lbfgs stopped after {found.iterations} iterations: {found.reason}. "
                    "Raise max_iter or max_fun, or scale the data.",
                    ConvergenceWarning,
                )
                break

    def _minimise_one(self, run: Run, rows: Rows, on_epoch: OnEpoch) -> LBFGSResult:
        params = run.params.copy()

        def count_and_tell(epoch: Epoch) -> bool:
            run.params = params.copy()
            run.epochs, run.rows_seen = epoch.epoch, run.rows_seen + len(rows)
            return bool(on_epoch(epoch))

        found = train_lbfgs(
            self.model_.architecture,
            params,
            rows,
            l2=float(self.alpha),
            max_iter=self.max_iter,
            max_fun=self.max_fun,
            tol=float(self.tol),
            on_epoch=count_and_tell,
            epochs_before=run.epochs,
        )
        run.params = params
        return found

    def _end_of(self, found: LBFGSResult) -> str:
        """Name what ended L-BFGS, in the words of a history."""
        if found.stopped:
            return "on_epoch"
        if found.converged:
            return "tol"
        return "max_iter" if found.iterations >= self.max_iter else "max_fun"

    @contextmanager
    def _training(self, epochs: int) -> Iterator[Show]:
        """Note where chance stands, and show how the networks go through their epochs."""
        fitting = fitting_of(self)
        if fitting is not None:
            fitting.train(self._runs)
        with progress(bool(self.verbose), epochs * len(self._runs)) as show:
            yield show

    def _end(self, number: int, run: Run, reason: str) -> None:
        """Take over what a network has become, and why it ended."""
        self._put(number, run)
        self._add_history(number, (), reason)
        self._keep_whole(number)

    def _descend(
        self,
        rows: Rows,
        validation: Validation | None,
        callbacks: Callbacks | None,
        *,
        partial: bool,
    ) -> None:
        architecture, epochs = self.model_.architecture, 1 if partial else self.max_iter
        n_watched = 0 if validation is None else len(validation.rows)
        settings = self._settings(len(rows), n_watched, partial=partial)
        steps = steps_of(architecture, self._runs[0], settings)
        choice = choose(self.engine, architecture, rows, steps, epochs)
        self._use(choice.name, choice.reason)
        had_diverged = self.diverged_
        says_little = partial and len(rows) < ROWS_FOR_A_WARNING  # what three single rows lose
        chance = math.inf if says_little else self._chance(rows)
        reasons = []
        with self._training(epochs) as show:
            for number, run in enumerate([run.twin() for run in self._runs]):
                self._note_first_loss(run, rows)
                history = train(
                    architecture,
                    run,
                    settings,
                    rows,
                    epochs=epochs,
                    validation=None if validation is None else validation.rows,
                    score=None if validation is None else self._scorer(validation, run),
                    on_epoch=partially(self._record, number, run, show, chance, callbacks),
                    make_engine=choice.make,
                )
                self._end(number, run, history.reason)
                reasons.append(history.reason)
        if self.diverged_ and not had_diverged:
            warn(
                f"training diverges, although its numbers are finite: {self._explosion}. "
                "Lower the learning rate, or scale the inputs.",
                DivergenceWarning,
            )
        scores = self.validation_scores_
        if validation is not None and scores and all(map(math.isnan, scores)):
            warn(
                f"scoring={self.scoring!r} gave NaN in every epoch, so there was no best one, and "
                "the last is kept. Do the rows held back have all classes?",
                UserWarning,
            )
        runs_to_its_end = isinstance(self.learning_rate, str) and self.learning_rate in OF_TIME
        if "max_iter" in reasons and not partial and not runs_to_its_end:
            warn(
                f"max_iter={self.max_iter} epochs are done and the training could gain from more",
                ConvergenceWarning,
            )

    def _optimizer(self) -> Optimizer:
        if self.solver == "sgd":
            return SGD(float(self.momentum), bool(self.nesterovs_momentum))
        adam = float(self.beta_1), float(self.beta_2), float(self.epsilon)
        return Adam(*adam) if self.solver == "adam" else AdamW(*adam, float(self.weight_decay))

    def _settings(self, n: int, n_watched: int, *, partial: bool) -> Settings:
        batch_size = min(200, n) if isinstance(self.batch_size, str) else int(self.batch_size)
        if batch_size > n and not (partial and self.t_):  # of a stream, once
            warn(
                f"batch_size={batch_size} is more than the {n} training rows; taking all",
                UserWarning,
            )
        return Settings(
            optimizer=self._optimizer(),
            learning_rate_init=float(self.learning_rate_init),
            learning_rate=self.learning_rate,
            power_t=float(self.power_t),
            schedule_epochs=self.max_iter,
            warmup_epochs=float(self.warmup_epochs),
            dropout=self._dropout(),
            clip_norm=math.inf if self.clip_norm is None else float(self.clip_norm),
            batch_size=batch_size,
            shuffle=bool(self.shuffle),
            l2=float(self.alpha),
            monitor=self._monitor(n_watched) if n_watched and self.early_stopping else "loss",
            tol=float(self.tol),
            patience=float(self.n_iter_no_change),
        )
