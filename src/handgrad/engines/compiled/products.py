"""The products of the compiled engine, in tiles that keep their sums in registers.

Matrices are pointers with a stride between rows. The columns of B and C are padded to whole
vectors. No sum depends on how rows or columns are dealt out to tiles, calls or threads: each
is one chain of multiply-adds in the order of k.
"""

from contextlib import nullcontext
from itertools import product
from typing import Any

from llvmlite import ir
from numba import njit
from numba.core import cgutils, types
from numba.extending import intrinsic

from handgrad.engines.compiled.called import called_by_name
from handgrad.engines.compiled.layout import DEPTH, STRIP
from handgrad.engines.compiled.vectors import (
    INT,
    REGISTERS,
    Vector,
    add_lanes,
    at,
    fma,
    fused,
    lanes,
    load,
    read,
    splat,
    spread,
    store,
    write,
)

# What a product does with its sums: C = alpha sums; C = C + alpha (sums + beta C), a step of
# gradient descent with an L2 penalty; C = max(floor, sums + bias); C = sums where h > 0, else 0.
STORE, ADD, BIAS, RELU_BACKWARD = 0, 1, 2, 3


def _strip(n_rows: int, n_vectors: int) -> Any:
    """Make the kernel of a strip of C, n_vectors vectors wide: a tile of n_rows rows at a time.

    The n_rows x n_vectors sums of a tile stay in registers while k runs: each step loads
    n_vectors vectors of B and n_rows numbers of A for n_rows * n_vectors multiply-adds. A[i, p]
    lies at i * a_row + p * a_column, so A may be a transpose. Of fewer rows than n_rows the
    last is computed again. With ``resume`` the sums go on from what C holds. ``extra`` is the
    bias, or h with the rows of C; ``beta`` is also the floor of BIAS.
    """

    @intrinsic
    def strip(
        typingctx, m, k, alpha, A, a_row, a_column, B, b_row, beta, C, c_row, resume, end, extra
    ):
        signature = types.void(
            m, k, A.dtype, A, a_row, a_column, B, b_row, A.dtype, C, c_row, resume, end, extra
        )

        def codegen(context, builder, signature, args):
            vector = context.get_value_type(Vector(signature.args[3].dtype))
            m, a_row, c_row = args[0], args[4], args[10]
            # Where the rows of a tile begin: worked out once, and again for a last, short tile.
            places = [
                [
                    cgutils.alloca_once_value(builder, builder.mul(stride, INT(i)))
                    for stride in (a_row, c_row)
                ]
                for i in range(n_rows)
            ]
            with cgutils.for_range_slice(builder, INT(0), m, INT(n_rows), INT) as (start, _):
                rows = builder.sub(m, start)
                with builder.if_then(builder.icmp_signed("<", rows, INT(n_rows)), likely=False):
                    for i in range(n_rows):
                        row = _clamped(builder, i, rows)
                        for stride, place in zip((a_row, c_row), places[i], strict=True):
                            builder.store(builder.mul(stride, row), place)
                _tile(builder, vector, n_vectors, start, rows, places, args)
            return context.get_dummy_value()

        return signature, codegen

    return strip


def _tile(builder, vector, n_vectors, start, rows, places, args):
    """Emit one tile, from row ``start`` on; of its rows, the first ``rows`` are there."""
    _, k, alpha, A, a_row, a_column, B, b_row, beta, C, c_row, resume, end, extra = args
    n_rows = len(places)
    columns = [INT(vector.count * j) for j in range(n_vectors)]
    zero = ir.Constant(vector, [0.0] * vector.count)
    alpha, beta = spread(builder, vector, alpha), spread(builder, vector, beta)
    a_start = builder.gep(A, [builder.mul(start, a_row)])
    c_offset = builder.mul(start, c_row)
    c_start = builder.gep(C, [c_offset])
    a = [builder.gep(a_start, [builder.load(place)]) for place, _ in places]
    c = [builder.gep(c_start, [builder.load(place)]) for _, place in places]
    sums = [[cgutils.alloca_once_value(builder, zero) for _ in columns] for _ in places]

    with builder.if_then(builder.icmp_signed("!=", resume, INT(0))):
        for i, j in product(range(n_rows), range(n_vectors)):
            builder.store(read(builder, vector, c[i], columns[j]), sums[i][j])
    with cgutils.for_range(builder, k, intp=INT) as loop:
        b_start = builder.gep(B, [builder.mul(loop.index, b_row)])
        b = [read(builder, vector, b_start, column) for column in columns]
        p = builder.mul(loop.index, a_column)
        for i in range(n_rows):
            number = spread(builder, vector, builder.load(builder.gep(a[i], [p])))
            for j in range(n_vectors):
                value = fused(builder, number, b[j], builder.load(sums[i][j]))
                builder.store(value, sums[i][j])

    def scaled(value, i, column):
        return builder.fmul(alpha, value)

    def added(value, i, column):
        before = read(builder, vector, c[i], column)
        return fused(builder, alpha, fused(builder, beta, before, value), before)

    def above_floor(value, i, column):
        r = builder.fadd(value, read(builder, vector, extra, column))
        # r <= floor is false for NaN, so a NaN passes and is noticed in the loss
        return builder.select(builder.fcmp_ordered("<=", r, beta), beta, r)

    def masked(value, i, column):
        h = builder.gep(extra, [builder.add(c_offset, builder.load(places[i][1]))])
        on = builder.fcmp_ordered(">", read(builder, vector, h, column), zero)
        return builder.select(on, value, zero)

    for which, finished in enumerate((scaled, added, above_floor, masked)):
        with builder.if_then(builder.icmp_signed("==", end, INT(which))):
            for i in range(n_rows):
                # A row that stands for another writes the same again, but may not add.
                there = builder.icmp_signed("<", INT(i), rows)
                with builder.if_then(there) if which == ADD and i else nullcontext():
                    for j, column in enumerate(columns):
                        value = finished(builder.load(sums[i][j]), i, column)
                        write(builder, value, c[i], column)


def _clamped(builder: ir.IRBuilder, i: int, rows: ir.Value) -> ir.Value:
    """Emit min(i, rows - 1): a row that is there."""
    inside = builder.icmp_signed("<", INT(i), rows)
    return builder.select(inside, INT(i), builder.sub(rows, INT(1)))


def _dots(n_rows: int, n_columns: int) -> Any:
    """Make the kernel of C[i, j] = A[i] . B[j] + bias[j]: rows of A with rows of B.

    C[i, j] lies at i * c_row + j * c_column, so C may be stored as a transpose.
    """

    @intrinsic
    def dots(typingctx, rows, columns, k, A, a_row, B, b_row, bias, C, c_row, c_column):
        signature = types.void(rows, columns, k, A, a_row, B, b_row, bias, C, c_row, c_column)

        def codegen(context, builder, signature, args):
            rows, columns, k, A, a_row, B, b_row, bias, C, c_row, c_column = args
            vector = context.get_value_type(Vector(signature.args[3].dtype))
            zero = ir.Constant(vector, [0.0] * vector.count)
            every_column = range(n_columns)
            sums = [
                [cgutils.alloca_once_value(builder, zero) for _ in every_column]
                for _ in range(n_rows)
            ]
            a_starts, b_starts = (
                [
                    builder.gep(p, [builder.mul(_clamped(builder, i, n), stride)])
                    for i in range(many)
                ]
                for p, stride, n, many in ((A, a_row, rows, n_rows), (B, b_row, columns, n_columns))
            )
            steps = builder.sdiv(k, INT(vector.count))
            with cgutils.for_range(builder, steps, intp=INT) as loop:
                p = builder.mul(loop.index, INT(vector.count))
                b = [read(builder, vector, start, p) for start in b_starts]
                for start, row_sums in zip(a_starts, sums, strict=True):
                    a = read(builder, vector, start, p)
                    for j, place in enumerate(row_sums):
                        builder.store(fused(builder, a, b[j], builder.load(place)), place)
            totals = add_lanes(
                builder, [builder.load(row[j]) for j in every_column for row in sums]
            )
            full = builder.and_(
                builder.icmp_signed("==", rows, INT(n_rows)),
                builder.icmp_signed("==", c_row, INT(1)),
            )
            for j in every_column:
                with builder.if_then(builder.icmp_signed("<", INT(j), columns)):
                    column = _part(builder, totals, j * n_rows, n_rows)
                    shift = builder.load(builder.gep(bias, [INT(j)]))
                    column = builder.fadd(column, spread(builder, column.type, shift))
                    place = builder.gep(C, [builder.mul(c_column, INT(j))])
                    with builder.if_else(full) as (at_once, one_by_one):
                        with at_once:
                            write(builder, column, place)
                        with one_by_one:
                            _write_some(builder, column, place, c_row, rows)
            return context.get_dummy_value()

        return signature, codegen

    return dots


def _part(builder: ir.IRBuilder, vectors: list[Any], start: int, n: int) -> ir.Value:
    """Emit n elements from ``start`` on of vectors side by side, as a vector; n is a power of 2."""
    width = vectors[0].type.count
    if n > width:
        whole = [_part(builder, vectors, start + i, n // 2) for i in (0, n // 2)]
        mask = list(range(n))
        return builder.shuffle_vector(*whole, ir.Constant(ir.VectorType(ir.IntType(32), n), mask))
    mask = [start % width + i for i in range(n)]
    vector = vectors[start // width]
    return builder.shuffle_vector(
        vector, vector, ir.Constant(ir.VectorType(ir.IntType(32), n), mask)
    )


def _write_some(builder, column, place, stride, rows):
    """Emit the stores of the first ``rows`` elements of a vector, ``stride`` apart."""
    for i in range(column.type.count):
        with builder.if_then(builder.icmp_signed("<", INT(i), rows)):
            element = builder.extract_element(column, INT(i))
            builder.store(element, builder.gep(place, [builder.mul(stride, INT(i))]))


# Three quarters of the registers hold sums; the rest hold B, A and what the compiler needs.
ROWS_3, ROWS_2, ROWS_1 = (8, 12, 16) if REGISTERS == 32 else (4, 6, 12)
FEW, FOUR = 3, 4
_wide_3, _wide_2, _wide_1 = _strip(ROWS_3, 3), _strip(ROWS_2, 2), _strip(ROWS_1, 1)
_few_4, _few_2, _few_1 = _strip(FEW, 4), _strip(FEW, 2), _strip(FEW, 1)
_four_4, _four_3 = _strip(4, 4), _strip(4, 3)  # half the work of a tile where k is 2 or 3
_two_4, _two_3, _one_4 = _strip(2, 4), _strip(2, 3), _strip(1, 4)
DOTS = 4
_dots_4, _dots_1 = _dots(DOTS, DOTS), _dots(1, DOTS)


@njit(error_model="numpy")
def _multiply_one(m, n, alpha, A, a_row, B, beta, C, c_row, end):
    """Do what multiply does for k = 1, with one row of B in registers: 0.2 for 0.4 us at 64 x 64.

    A step with one row in the batch is this and little else.
    """
    for j in range(0, n, lanes(A)):
        b, decay = load(at(B, j)), splat(A, alpha * beta)
        for i in range(m):
            c, a = at(C, i * c_row + j), splat(A, alpha * A[i * a_row])
            if end == STORE:
                store(c, a * b)
            elif beta == 0.0:
                store(c, fma(a, b, load(c)))
            else:
                store(c, fma(a, b, fma(decay, load(c), load(c))))


@called_by_name("iiidpiipidpiip")
def multiply(m, n, k, alpha, A, a_row, a_column, B, b_row, beta, C, c_row, end, extra):
    """Compute the product of A (m, k) and B (k, n) into C (m, n), as ``end`` says.

    n is a multiple of the lanes. B goes in strips of up to four vectors of columns and DEPTH
    rows, so that a strip is read from the first or second cache as often as A has tiles.
    """
    width = lanes(A)
    if k == 1 and end <= ADD:
        _multiply_one(m, n, alpha, A, a_row, B, beta if end == ADD else 0.0, C, c_row, end)
        return
    # Three columns need fewer loads a product, two waste fewer rows where m is, say, 10.
    three = -(-m // ROWS_3) * ROWS_3 <= -(-m // ROWS_2) * ROWS_2
    for start in range(0, k, DEPTH):
        deep = min(DEPTH, k - start)
        act, scale, keep, resume = end, alpha, beta, 0
        if end == ADD:
            keep = beta if start == 0 else 0.0
        else:
            resume = 1 if start > 0 else 0
            if start + deep < k:
                act, scale = STORE, 1.0
        a, j = at(A, start * a_column), 0
        while j < n:
            left = (n - j) // width
            b, c, e = at(B, start * b_row + j), at(C, j), at(extra, j)
            strip = m, deep, scale, a, a_row, a_column, b, b_row, keep, c, c_row, resume, act, e
            if m == 1 and left >= 4:
                _one_4(*strip)
                j += 4 * width
            elif k <= FOUR and left >= 4:
                _four_4(*strip)
                j += 4 * width
            elif k <= FOUR and left == 3:
                _four_3(*strip)
                j += 3 * width
            elif m == 2 and left >= 4:
                _two_4(*strip)
                j += 4 * width
            elif m == 2 and left == 3:
                _two_3(*strip)
                j += 3 * width
            elif m <= FEW and left >= 4:
                _few_4(*strip)
                j += 4 * width
            elif m <= FEW and left >= 2:
                _few_2(*strip)
                j += 2 * width
            elif m <= FEW:
                _few_1(*strip)
                j += width
            elif three and (left == 3 or left > 4):
                _wide_3(*strip)
                j += 3 * width
            elif left >= 2:
                _wide_2(*strip)
                j += 2 * width
            else:
                _wide_1(*strip)
                j += width


@called_by_name("iiipipidpipp")
def multiply_packed(m, n, k, A, a_row, B, b_row, floor, C, c_row, bias, panel):
    """Compute max(floor, A B + bias) as ``multiply`` does, each strip of B copied to ``panel``.

    The rows of a strip may lie so far apart that they push each other out of the first cache, and
    a vector across two of its lines; side by side they stay there for all of many rows of A.
    """
    width = lanes(A)
    three = -(-m // ROWS_3) * ROWS_3 <= -(-m // ROWS_2) * ROWS_2
    for start in range(0, k, DEPTH):
        deep = min(DEPTH, k - start)
        resume, end = 1 if start > 0 else 0, BIAS if start + deep == k else STORE
        a, j = at(A, start), 0
        while j < n:
            left = (n - j) // width
            vectors = STRIP if three and (left == STRIP or left > 4) else min(left, 2)
            row = vectors * width
            for p in range(deep):
                for v in range(0, row, width):
                    store(at(panel, p * row + v), load(at(B, (start + p) * b_row + j + v)))
            c, e = at(C, j), at(bias, j)
            strip = m, deep, 1.0, a, a_row, 1, panel, row, floor, c, c_row, resume, end, e
            if vectors == STRIP:
                _wide_3(*strip)
            elif vectors == 2:
                _wide_2(*strip)
            else:
                _wide_1(*strip)
            j += row


@called_by_name("iiipipippii")
def row_products(m, n, k, A, a_row, B, b_row, bias, C, c_row, c_column):
    """Compute C[i, j] = A[i] . B[j] + bias[j] for A (m, k) and B (n, k)."""
    for i in range(0, m, DOTS):
        rows = min(DOTS, m - i)
        for j in range(0, n, DOTS):
            columns = min(DOTS, n - j)
            a, b, s = at(A, i * a_row), at(B, j * b_row), at(bias, j)
            c = at(C, i * c_row + j * c_column)
            if m == 1:
                _dots_1(rows, columns, k, a, a_row, b, b_row, s, c, c_row, c_column)
            else:
                _dots_4(rows, columns, k, a, a_row, b, b_row, s, c, c_row, c_column)
