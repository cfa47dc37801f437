"""Who will cancel? A typical business table, from the first look at it to a saved model.

This program makes up a table with the faults of real ones: a customer number that must not be
learnt, dates, missing cells, amounts with thousands separators and a currency, three ways to write
yes, categories of which one is rare, and 1 row in 14 of the class that matters. Then it will

1. clean what only the owner can know: the two dates become a customer's days, and the number goes;
   amounts, spellings of yes, categories and missing cells stay as they are, because MLPClassifier
   reads them, and columns_ says how;
2. split rows by time: learn from the past, choose by the months after, judge once by the last;
3. compare a plain network with a class-weighted one: weights do not separate the classes any
   better, and spoil the probabilities;
4. calibrate; if probabilities are right, the costs of mistakes give the threshold. The best of all
   thresholds in the months between is shown, too: it also fits the noise of those months;
5. judge once, on the last months, beside two answers that need no model; save, load, compare.

    python examples/messy_table.py
    python examples/messy_table.py --rows 600 --out FOLDER     keeps customers.csv and the model

It needs pandas and 3 seconds. After the first row, the missing cells, and the plan of the columns,
it prints:

    months to choose by   log-loss  calibration error  average precision  threshold    cost
    plain                    0.194              0.010              0.325       0.10    4.93
    plain, calibrated        0.194              0.010              0.325       0.09    5.00
    balanced classes         0.519              0.037              0.311       0.63    4.94

    the last 2400 rows, judged once: mean cost of a customer
    call nobody                   8.55
    call everybody               10.00
    call above 0.09, the best     5.08
    call above 0.08, by costs     5.08   (25% called, 70% of the leaving among them)
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, log_loss

from handgrad import MLPClassifier

COST_OF_CALL, COST_OF_LOSS = 10, 120  # asking a customer to stay; losing one who was not asked
TODAY = pd.Timestamp("2025-12-31")


def make_table(n: int, seed: int) -> pd.DataFrame:
    """Invent customers whose leaving depends on plan, time, tickets and fee, and on chance."""
    rng = np.random.default_rng(seed)
    plan = rng.choice(["monthly", "yearly", "two years", "partner"], n, p=[0.48, 0.3, 0.2, 0.02])
    billed = np.sort(rng.integers(0, 720, n))[::-1]  # days before today; the oldest rows first
    tenure = rng.exponential(700, n).astype(int) + 20
    tickets = rng.poisson(0.8, n)
    fee = np.exp(rng.normal(4.2, 0.7, n))
    age = rng.normal(46, 15, n).clip(18, 90).round()
    pull = -4.4 + 1.9 * (plan == "monthly") + 0.75 * tickets - tenure / 900 + 1.1 * (fee > 120)
    leaves = rng.random(n) < 1 / (1 + np.exp(-pull))
    yes, no = rng.choice(["yes", "Yes", "Y"], n), rng.choice(["no", "No"], n)
    table = pd.DataFrame(
        {
            "customer_id": [f"C-{number:07d}" for number in rng.permutation(n) + 4_000_000],
            "billed_on": (TODAY - pd.to_timedelta(billed, "D")).strftime("%Y-%m-%d"),
            "customer_since": (TODAY - pd.to_timedelta(billed + tenure, "D")).strftime("%d.%m.%Y"),
            "plan": plan,
            "region": rng.choice(["north", "south", "east", "west"], n),
            "yearly_bill": [f"EUR {12 * one:,.2f}" for one in fee],
            "age": age,
            "tickets": tickets,
            "e_mail_bill": np.where(rng.random(n) < 0.6, yes, no),
            "cancelled": np.where(leaves, "left", "stayed"),
        }
    )
    for column, share in (("age", 0.18), ("region", 0.05), ("yearly_bill", 0.03)):
        table.loc[rng.random(n) < share, column] = None
    return table


def clean(table: pd.DataFrame) -> pd.DataFrame:
    """Do the part that no reader of tables can guess."""
    billed = pd.to_datetime(table["billed_on"], format="%Y-%m-%d")
    since = pd.to_datetime(table["customer_since"], format="%d.%m.%Y")
    return table.drop(columns=["customer_id", "billed_on", "customer_since", "cancelled"]).assign(
        days_a_customer=(billed - since).dt.days
    )


def cost(leaves: NDArray[np.bool_], called: NDArray[np.bool_]) -> float:
    """Compute the mean cost of a customer; every customer who is called stays."""
    return float(np.mean(COST_OF_CALL * called + COST_OF_LOSS * (leaves & ~called)))


def train(
    X: pd.DataFrame, y: pd.Series, X_val: pd.DataFrame, y_val: pd.Series, **more: Any
) -> MLPClassifier:
    model = MLPClassifier(
        (32,), early_stopping=True, scoring="loss", batch_size=64, random_state=0, **more
    )
    return model.fit(X, y, X_val=X_val, y_val=y_val)


def main() -> None:
    arguments = argparse.ArgumentParser(description="A messy business table")
    arguments.add_argument("--rows", type=int, default=12_000)
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--out", type=Path, help="keep the table and the model in this folder")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run(given.out or Path(folder), given.rows, given.seed)


def run(folder: Path, rows: int, seed: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    make_table(rows, seed).to_csv(folder / "customers.csv", index=False)
    table = pd.read_csv(folder / "customers.csv")
    X, y = clean(table), table["cancelled"]
    print(table.iloc[0].to_string(), end="\n\n")
    missing = X.isna().mean().loc[lambda share: share > 0]
    print("missing:", ", ".join(f"{name} {share:.0%}" for name, share in missing.items()))

    # The rows stand in the order of time: 60 % to learn, 20 % to choose, 20 % to judge.
    a, b = len(X) * 3 // 5, len(X) * 4 // 5
    learn, choose, judge = slice(0, a), slice(a, b), slice(b, None)
    print(f"left: {(y[learn] == 'left').mean():.1%} of {a} rows to learn from\n")

    models = {
        "plain": train(X[learn], y[learn], X[choose], y[choose]),
        "plain, calibrated": train(
            X[learn], y[learn], X[choose], y[choose], calibration="temperature"
        ),
        "balanced classes": train(
            X[learn], y[learn], X[choose], y[choose], class_weight="balanced"
        ),
    }
    print(models["plain"].columns_, end="\n\n")
    print("months to choose by   log-loss  calibration error  average precision  threshold    cost")
    leaves = (y == "left").to_numpy()
    thresholds = {}
    for name, model in models.items():
        proba = model.predict_proba(X[choose])[:, 0]  # classes_ are sorted: left, stayed
        costs = {one: cost(leaves[choose], proba >= one) for one in np.linspace(0.01, 0.99, 99)}
        thresholds[name] = min(costs, key=costs.__getitem__)
        print(
            f"{name:20}  {log_loss(leaves[choose], proba):8.3f}"
            f"  {model.expected_calibration_error(X[choose], y[choose]):17.3f}"
            f"  {average_precision_score(leaves[choose], proba):17.3f}"
            f"  {thresholds[name]:9.2f}  {costs[thresholds[name]]:6.2f}"
        )

    model, threshold = models["plain, calibrated"], thresholds["plain, calibrated"]
    proba, last = model.predict_proba(X[judge])[:, 0], leaves[judge]
    by_costs = COST_OF_CALL / COST_OF_LOSS  # here a call costs as much as it saves on average
    called = proba >= by_costs
    print(f"\nthe last {len(last)} rows, judged once: mean cost of a customer")
    print(f"call nobody                 {cost(last, np.zeros_like(last)):6.2f}")
    print(f"call everybody              {cost(last, np.ones_like(last)):6.2f}")
    print(f"call above {threshold:.2f}, the best   {cost(last, proba >= threshold):6.2f}")
    print(f"call above {by_costs:.2f}, by costs   {cost(last, called):6.2f}", end="   ")
    print(f"({called.mean():.0%} called, {called[last].mean():.0%} of the leaving among them)")

    model.save(folder / "cancelled.safetensors")
    again = MLPClassifier.load(folder / "cancelled.safetensors")
    same = np.array_equal(again.predict_proba(X[judge]), model.predict_proba(X[judge]))
    print(f"\nsaved and loaded: {'the same' if same else 'OTHER'} probabilities, to the bit")
    print(f"with the file go clean() and the threshold, {by_costs:.2f}")


if __name__ == "__main__":
    main()
