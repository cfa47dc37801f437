"""The skip of the compiled engine: skip.py without its wide inputs (equations 3 and 14).

A column's u adds p T[t] + q T[t + 1] to the scores of its row, where T is the column's part of V,
or, for pieces, a table made of it: what each node adds. Nodes are the edges of the bins, and one
more on each side, where the outer hats end. So a column costs the same however wide it is.

Every sum has one order. The columns are added to the scores of a row one after the other; a node's
gradient is a sum over the rows of the batch in their order, and a step's of the nodes above it from
the last to the first. The scores lie row by row, D[i * v_row + c], and so do V, tables and
gradients: with several classes in whole vectors, with one class as single numbers.

A few rows look at two nodes of each column, and a table of all would cost more than they do: they
read V where the house has it, and make their nodes by the same additions.
"""

import numpy as np
from numba import njit

from handgrad.engines.compiled.called import called_by_name
from handgrad.engines.compiled.layout import LEVELS, LINEAR, PIECES
from handgrad.engines.compiled.vectors import at, copy, fma, lanes, load, rounded, splat, store

compiled = njit(error_model="numpy", nogil=True)


@compiled
def place_of(kind, n, u):
    """Give the first of two neighbours in a column's table, and how much each counts."""
    if kind == LINEAR:
        return 0, u, 0.0
    if kind == LEVELS:
        level = int(u) if u >= 0.0 and u < n else 0
        return level, 1.0 if level == u else 0.0, 0.0
    inside = u
    if u < -1.0:
        inside = -1.0
    elif u > n + 1.0:
        inside = n + 1.0
    node = min(int(inside), n) if inside >= 0.0 else -1
    after = inside - node
    return node + 1, 1.0 - after, after


@compiled
def add_times(p, row, target, v_row):
    """Add p times a row of scores to another."""
    if v_row == 1:
        target[0] = fma(rounded(row, p), row[0], target[0])
    else:
        for c in range(0, v_row, lanes(row)):
            place = at(target, c)
            store(place, fma(splat(row, p), load(at(row, c)), load(place)))


@compiled
def add_rows(kind, n, rows, u, u_step, T, D, v_row):
    """Add what a column gives to the scores D of so many rows."""
    for i in range(rows):
        place, p, q = place_of(kind, n, np.float64(u[i * u_step]))
        row, scores = at(T, place * v_row), at(D, i * v_row)
        if p != 0.0:
            add_times(p, row, scores, v_row)
        if q != 0.0:
            add_times(q, at(row, v_row), scores, v_row)


@compiled
def sum_nodes(kind, n, rows, u, D, sums, v_row):
    """Add the gradient in each row's scores to the places that gave them."""
    for i in range(rows):
        place, p, q = place_of(kind, n, np.float64(u[i]))
        row, dscore = at(sums, place * v_row), at(D, i * v_row)
        if p != 0.0:
            add_times(p, dscore, row, v_row)
        if q != 0.0:
            add_times(q, dscore, at(row, v_row), v_row)


@called_by_name("iiipippi")
def add_column(kind, n, rows, u, u_step, T, D, v_row):
    """Do ``add_rows``, with loops of their own for what is frequent."""
    if v_row == 1 and kind == LEVELS:
        add_rows(LEVELS, n, rows, u, u_step, T, D, 1)
    elif v_row == 1 and kind == PIECES:
        add_rows(PIECES, n, rows, u, u_step, T, D, 1)
    else:
        add_rows(kind, n, rows, u, u_step, T, D, v_row)


@compiled
def make_node(n, place, steps, V, n_classes, node):
    """Make what a place of a column's table holds: its hat and the sum of the steps below."""
    has_hat = 0 < place <= n + 1
    for c in range(n_classes):
        node[c] = V[(place - 1) * n_classes + c] + steps[c] if has_hat else steps[c]


@called_by_name("iiipipipppi")
def add_nodes(kind, n, rows, u, u_step, V, n_classes, D, node, steps, v_row):
    """Do ``add_column`` from V as the house has it; node and steps are room for a row each."""
    for i in range(rows):
        place, p, q = place_of(kind, n, np.float64(u[i * u_step]))
        scores = at(D, i * v_row)
        if kind != PIECES:
            if p != 0.0:
                copy(node, at(V, place * n_classes), n_classes)
                add_times(p, node, scores, v_row)
        else:
            for c in range(n_classes):
                steps[c] = 0.0
            for t in range(n + 1, n + 1 + min(place - 1, n)):
                for c in range(n_classes):
                    steps[c] += V[t * n_classes + c]
            if p != 0.0:
                make_node(n, place, steps, V, n_classes, node)
                add_times(p, node, scores, v_row)
            if q != 0.0:
                if 0 < place <= n:
                    for c in range(n_classes):
                        steps[c] += V[(n + place) * n_classes + c]
                make_node(n, place + 1, steps, V, n_classes, node)
                add_times(q, node, scores, v_row)


@called_by_name("iiiippppi")
def column_gradient(kind, n, size, rows, u, D, dT, dV, v_row):
    """Compute the gradient of one column's V from dscore, which is D; dT is room for its nodes."""
    for j in range(size):
        dV[j] = 0.0
    sums = dV
    if kind == PIECES:
        sums = dT
        for j in range((n + 3) * v_row):
            dT[j] = 0.0
    if v_row == 1 and kind == LEVELS:
        sum_nodes(LEVELS, n, rows, u, D, sums, 1)
    elif v_row == 1 and kind == PIECES:
        sum_nodes(PIECES, n, rows, u, D, sums, 1)
    else:
        sum_nodes(kind, n, rows, u, D, sums, v_row)
    if kind == PIECES:
        for j in range((n + 1) * v_row):
            dV[j] = dT[v_row + j]
        above = at(dT, (n + 2) * v_row)  # becomes the sum of all nodes above a step
        for t in range(n - 1, -1, -1):
            for c in range(v_row):
                above[c] += dT[(t + 2) * v_row + c]
                dV[(n + 1 + t) * v_row + c] = above[c]


@called_by_name("ippi")
def make_table(n, V, T, v_row):
    """Make the table of pieces: what the node before the first edge adds, then each edge, ..."""
    so_far = at(T, (n + 2) * v_row)  # becomes the sum of all steps, which the last node adds
    for c in range(v_row):
        T[c] = so_far[c] = 0.0
    for t in range(n + 1):
        for c in range(v_row):
            T[(t + 1) * v_row + c] = V[t * v_row + c] + so_far[c]
            if t < n:
                so_far[c] += V[(n + 1 + t) * v_row + c]


@called_by_name("piiipii")
def by_row(S, s_row, rows, n_classes, D, v_row, back):
    """Copy the scores S, which lie class by class, to D row by row, or ``back``."""
    for c in range(n_classes):
        for i in range(rows):
            if back:
                S[c * s_row + i] = D[i * v_row + c]
            else:
                D[i * v_row + c] = S[c * s_row + i]


@compiled
def add_columns(wides, rows, u, u_row, u_step, S, s_row, n_classes, D, v_row, w):
    """Add what the skip gives to the scores S of so many rows; D is room for them row by row."""
    if v_row > 1:
        by_row(S, s_row, rows, n_classes, D, v_row, 0)
    for k in range(wides.size):
        wide, scores = wides[k], D if v_row > 1 else S
        add_column(
            wide.kind, wide.n, rows, at(u, k * u_row), u_step, at(w, wide.table), scores, v_row
        )
    if v_row > 1:
        by_row(S, s_row, rows, n_classes, D, v_row, 1)


@compiled
def add_columns_of_few(
    wides, rows, u, u_row, u_step, S, s_row, n_classes, D, v_row, flat, node, steps
):
    """Do ``add_columns`` for few rows, from the house's vector."""
    if v_row > 1:
        by_row(S, s_row, rows, n_classes, D, v_row, 0)
    for k in range(wides.size):
        wide, scores = wides[k], D if v_row > 1 else S
        add_nodes(
            wide.kind, wide.n, rows, at(u, k * u_row), u_step, at(flat, wide.flat), n_classes,
            scores, node, steps, v_row,
        )  # fmt: skip
    if v_row > 1:
        by_row(S, s_row, rows, n_classes, D, v_row, 1)


@compiled
def is_idle(wides, flat, n_classes):
    """Tell whether all of V is 0, as for a network that has no skip among others that have one."""
    for k in range(wides.size):
        V = at(flat, wides[k].flat)
        for j in range(wides[k].width * n_classes):
            if V[j] != 0.0:
                return False
    return True


@compiled
def make_tables(wides, v_row, w):
    """Make the tables of all columns that have one."""
    for k in range(wides.size):
        if wides[k].kind == PIECES:
            make_table(wides[k].n, at(w, wides[k].V), at(w, wides[k].table), v_row)


@compiled
def pack_V(flat, packed, wides, n_classes, v_row, back):
    """Copy V from a flat vector of the house into padded rows, or ``back``."""
    for k in range(wides.size):
        wide = wides[k]
        V, V_packed = at(flat, wide.flat), at(packed, wide.V)
        rows, classes = (1, wide.width) if v_row == 1 else (wide.width, n_classes)
        for i in range(rows):
            row, row_packed = at(V, i * classes), at(V_packed, i * v_row)
            if back:
                copy(row, row_packed, classes)
            else:
                copy(row_packed, row, classes)
