"""SIGKILL at random moments of a loop of saves: the file is the old one or the new, always.

And what a killed save leaves beside it is gone after the next save.
"""

import os
import random
import signal
import time

import house

COUNT = 600
LONGEST = 0.05  # seconds that a loop of saves may live
UNITS = {"3 KB": (8,), "90 KB": (128, 64), "4 MB": (700, 700)}


def drill(tally, folder):
    from handgrad.models.file import to_bytes

    pairs = {
        size: [house.classifier(u, seed).model_ for seed in (0, 1)] for size, u in UNITS.items()
    }
    whole = {size: {to_bytes(model) for model in pair} for size, pair in pairs.items()}
    orphaned = 0
    chance = random.Random(0)
    for number in tally.strikes():
        size = list(UNITS)[number % len(UNITS)]
        path = folder / size.replace(" ", "") / "model.safetensors"
        path.parent.mkdir(exist_ok=True)
        kill_while_saving(pairs[size], path, chance.uniform(0, LONGEST))
        if path.exists():
            tally.expect(path.read_bytes() in whole[size], f"{size}: the file is neither")
        left = orphans(path)
        orphaned += bool(left)
        must_save(tally, size, pairs[size][0], path)
        if orphans(path):
            tally.fails(f"{size}: a killed save's {left[0].name} is there after the next save")
            for orphan in orphans(path):
                orphan.unlink()
    return f"{tally.struck:,} kills of saves of {', '.join(UNITS)}; {orphaned} left a part behind"


def kill_while_saving(pair, path, seconds):
    from handgrad.models.file import save_model

    child = os.fork()
    if child == 0:  # it has nothing to do but to save until it is killed
        while os.getppid():
            for model in pair:
                save_model(model, path)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def must_save(tally, size, model, path):
    from handgrad.models.file import load_model, save_model, to_bytes

    save_model(model, path)
    loads = to_bytes(load_model(path)) == to_bytes(model)
    tally.expect(loads, f"{size}: the next save does not load as it was")


def orphans(path):
    return sorted(other for other in path.parent.iterdir() if other != path)
