"""Vectors of floats as a numba type: what a kernel needs so that its inner loop is vector code.

LLVM turns a plain loop into vector code only where it can prove a good deal, and leaves what
does not fill four vectors to scalar code; a batch of 32 rows then runs no faster than Python's
C loop would. Here a vector is a value that is loaded, computed with and stored, so the code
that runs is the code that stands there, and rounds the same wherever a row or column lies.

A pointer knows its element type, float32 or float64, so every function here serves both.
Nothing is checked: whoever calls keeps lengths padded to whole vectors.
"""

import operator
import os
import platform
import sys

import llvmlite.binding as llvm
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic, lower_builtin, models, register_model, type_callable

INT = ir.IntType(64)

LEVELS = {  # of x86-64, with what tells them
    "x86-64-v4": ("avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"),
    "x86-64-v3": ("avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe"),
}


def host():
    """Name the processor that this is, as ``build.py`` names targets."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return platform.machine()
    there = llvm.get_host_cpu_features()
    fits = (name for name, features in LEVELS.items() if all(map(there.get, features)))
    return next(fits, "x86-64-v2")


# The processor to compile for, which may be another than this one: see ``build.py``.
TARGET = os.environ.get("HANDGRAD_TARGET") or host()
X86 = TARGET.startswith("x86")
VECTOR_BYTES = {"x86-64-v4": 64, "x86-64-v3": 32}.get(TARGET, 16)
REGISTERS = 16 if X86 and VECTOR_BYTES < 64 else 32


class Vector(types.Type):
    """As many floats as fill one register."""

    def __init__(self, element):
        self.element = element
        self.lanes = VECTOR_BYTES * 8 // element.bitwidth
        super().__init__(name=f"Vector({element} x {self.lanes})")


@register_model(Vector)
class VectorModel(models.PrimitiveModel):
    def __init__(self, manager, kind):
        element = manager.lookup(kind.element).get_value_type()
        super().__init__(manager, kind, ir.VectorType(element, kind.lanes))


def _emit(name, builder, result, operands, *overload):
    """Call an intrinsic of LLVM, such as llvm.fmuladd.v16f32."""
    kinds = [operand.type for operand in operands]
    suffix = "".join(f".{_short(kind)}" for kind in overload or [result])
    signature = ir.FunctionType(result, kinds)
    function = cgutils.get_or_insert_function(builder.module, signature, f"llvm.{name}{suffix}")
    return builder.call(function, operands)


def _short(kind):
    if isinstance(kind, ir.VectorType):
        return f"v{kind.count}{_short(kind.element)}"
    return {ir.FloatType(): "f32", ir.DoubleType(): "f64"}.get(kind) or f"i{kind.width}"


def spread(builder, vector, scalar):
    """Emit the vector that holds one scalar in every lane."""
    first = builder.insert_element(ir.Constant(vector, ir.Undefined), scalar, INT(0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), vector.count), [0] * vector.count)
    return builder.shuffle_vector(first, ir.Constant(vector, ir.Undefined), zeros)


def fused(builder, a, b, c):
    """Emit a * b + c, rounded once where the machine can."""
    return _emit("fmuladd", builder, a.type, [a, b, c])


def read(builder, vector, pointer, offset=None):
    """Emit the load of a vector, at any address that is a multiple of an element."""
    place = pointer if offset is None else builder.gep(pointer, [offset])
    size = 4 if isinstance(vector.element, ir.FloatType) else 8
    return builder.load(builder.bitcast(place, vector.as_pointer()), align=size)


def write(builder, value, pointer, offset=None):
    place = pointer if offset is None else builder.gep(pointer, [offset])
    size = 4 if isinstance(value.type.element, ir.FloatType) else 8
    builder.store(value, builder.bitcast(place, value.type.as_pointer()), align=size)


def add_lanes(builder, vectors):
    """Emit the sum of each vector's elements, all in one vector; halves first: one fixed order.

    A vector holds groups of elements still to be added. Two vectors, first halves of groups
    beside first halves, and second beside second, become one by an addition: half the groups'
    size, twice their number. Sixteen sums of sixteen take 15 additions, one by one they take 64.
    """
    size = vectors[0].type.count
    while size > 1:
        size //= 2
        if len(vectors) == 1:
            vectors = [_halves_added(builder, vectors[0], None, size)]
        else:
            pairs = zip(vectors[::2], vectors[1::2], strict=True)
            vectors = [_halves_added(builder, one, other, size) for one, other in pairs]
    return vectors


def _halves_added(builder, one, other, size):
    """Add the halves, so many elements long, of each group of one vector, and of another."""
    n = one.type.count * (1 if other is None else 2)
    halves = []
    for half in range(2):
        places = [start + half * size + i for start in range(0, n, 2 * size) for i in range(size)]
        mask = ir.Constant(ir.VectorType(ir.IntType(32), len(places)), places)
        halves.append(builder.shuffle_vector(one, one if other is None else other, mask))
    return builder.fadd(*halves)


# -- pointers ---------------------------------------------------------------------------------


@intrinsic
def pointer(typingctx, array):
    """Point to the first element of an array."""

    def codegen(context, builder, signature, args):
        return context.make_array(signature.args[0])(context, builder, args[0]).data

    return types.CPointer(array.dtype)(array), codegen


@intrinsic
def point(typingctx, address, like):
    """Point to an address, with the element type of another pointer."""

    def codegen(context, builder, signature, args):
        return builder.inttoptr(args[0], args[1].type)

    return like(types.int64, like), codegen


@intrinsic
def point_to_integers(typingctx, address):
    def codegen(context, builder, signature, args):
        return builder.inttoptr(args[0], INT.as_pointer())

    return types.CPointer(types.int64)(types.int64), codegen


@intrinsic
def at(typingctx, p, offset):
    """Point ``offset`` elements further."""

    def codegen(context, builder, signature, args):
        return builder.gep(args[0], [context.cast(builder, args[1], signature.args[1], types.intp)])

    return p(p, offset), codegen


@intrinsic
def lanes(typingctx, p):
    """Count the elements of a vector of p's type: a constant to the compiler."""

    def codegen(context, builder, signature, args):
        return INT(Vector(signature.args[0].dtype).lanes)

    return types.int64(p), codegen


@intrinsic
def load(typingctx, p):
    def codegen(context, builder, signature, args):
        return read(builder, context.get_value_type(signature.return_type), args[0])

    return Vector(p.dtype)(p), codegen


@intrinsic
def store(typingctx, p, v):
    def codegen(context, builder, signature, args):
        write(builder, args[1], args[0])
        return context.get_dummy_value()

    return types.void(p, v), codegen


@intrinsic
def splat(typingctx, like, scalar):
    """Fill a vector with one number; ``like`` is a pointer or a vector of its type."""
    kind = like if isinstance(like, Vector) else Vector(like.dtype)

    def codegen(context, builder, signature, args):
        number = context.cast(builder, args[1], signature.args[1], kind.element)
        return spread(builder, context.get_value_type(kind), number)

    return kind(like, scalar), codegen


@intrinsic
def rounded(typingctx, like, scalar):
    """Give one number as a pointer's elements are."""

    def codegen(context, builder, signature, args):
        return context.cast(builder, args[1], signature.args[1], signature.return_type)

    return like.dtype(like, scalar), codegen


@intrinsic
def copy(typingctx, target, source, n):
    """Copy n elements; one call of memcpy costs less than a loop from 16 elements on."""

    def codegen(context, builder, signature, args):
        size = builder.mul(args[2], INT(signature.args[0].dtype.bitwidth // 8))
        cgutils.raw_memcpy(builder, args[0], args[1], size, 1)
        return context.get_dummy_value()

    return types.void(target, source, types.int64), codegen


# -- arithmetic -------------------------------------------------------------------------------


def _operator(operation, instruction):
    @type_callable(operation)
    def of_vectors(context):
        def typer(a, b):
            return a if isinstance(a, Vector) and a == b else None

        return typer

    @lower_builtin(operation, Vector, Vector)
    def lower(context, builder, signature, args):
        return getattr(builder, instruction)(*args)


_operator(operator.add, "fadd")
_operator(operator.sub, "fsub")
_operator(operator.mul, "fmul")
_operator(operator.truediv, "fdiv")


@intrinsic
def fma(typingctx, a, b, c):
    """Compute a * b + c."""
    return a(a, b, c), lambda context, builder, signature, args: fused(builder, *args)


def _unary(name):
    @intrinsic
    def function(typingctx, v):
        def codegen(context, builder, signature, args):
            return _emit(name, builder, args[0].type, [args[0]])

        return v(v), codegen

    return function


sqrt = _unary("sqrt")
rint = _unary("rint")


@intrinsic
def where_greater(typingctx, a, b, yes, no):
    """Take yes where a > b, else no: also where a or b is NaN."""

    def codegen(context, builder, signature, args):
        return builder.select(builder.fcmp_ordered(">", args[0], args[1]), args[2], args[3])

    return yes(a, b, yes, no), codegen


@intrinsic
def total(typingctx, v):
    """Add the elements of a vector, always in the same order."""

    def codegen(context, builder, signature, args):
        return builder.extract_element(add_lanes(builder, [args[0]])[0], INT(0))

    return v.element(v), codegen


def _layout(vector):
    """Give the integer vector of the same size, the bits of a mantissa, and the bias."""
    single = isinstance(vector.element, ir.FloatType)
    integers = ir.VectorType(ir.IntType(32 if single else 64), vector.count)
    return integers, *((23, 127) if single else (52, 1023))


def _everywhere(integers, number):
    return ir.Constant(integers, [number] * integers.count)


@intrinsic
def power_of_two(typingctx, k):
    """Compute 2^k for whole k within the range of exponents.

    Added to 1.5 * 2^23 (2^52 in float64), k stands in the lowest bits; from there it is moved
    into the exponent. No conversion to integers, which NaN would leave undefined.
    """

    def codegen(context, builder, signature, args):
        integers, mantissa, bias = _layout(args[0].type)
        shifted = builder.fadd(args[0], _everywhere(args[0].type, 1.5 * 2.0**mantissa))
        bits = builder.add(builder.bitcast(shifted, integers), _everywhere(integers, bias))
        return builder.bitcast(builder.shl(bits, _everywhere(integers, mantissa)), args[0].type)

    return k(k), codegen


@intrinsic
def exponent_of(typingctx, v):
    """Give the whole k of v = 2^k m, for m in [1, 2) and normal v > 0."""

    def codegen(context, builder, signature, args):
        integers, mantissa, bias = _layout(args[0].type)
        bits = builder.bitcast(args[0], integers)
        exponent = builder.lshr(bits, _everywhere(integers, mantissa))
        return builder.sitofp(builder.sub(exponent, _everywhere(integers, bias)), args[0].type)

    return v(v), codegen


def series(single, double):
    """Make the function that sums c_0 + c_1 v + c_2 v^2 + ... by Horner's rule."""

    @intrinsic
    def function(typingctx, v):
        coefficients = single if v.element == types.float32 else double

        def codegen(context, builder, signature, args):
            vector = args[0].type
            constant = [ir.Constant(vector, [c] * vector.count) for c in coefficients]
            value = constant.pop()
            while constant:
                value = fused(builder, value, args[0], constant.pop())
            return value

        return v(v), codegen

    return function


# v is lost in these; they give the range in which e^v is a normal number
lowest_exponent = series([-87.0], [-708.0])
highest_exponent = series([88.0], [708.0])


# -- the machine ------------------------------------------------------------------------------


@intrinsic
def flush_denormals(typingctx):
    """Round numbers below the normal range to zero in this thread; give the former mode back."""

    def codegen(context, builder, signature, args):
        if not X86:
            return ir.IntType(32)(0)
        mode = cgutils.alloca_once(builder, ir.IntType(32))
        _control(builder, "llvm.x86.sse.stmxcsr", mode)
        before = builder.load(mode)
        builder.store(builder.or_(before, ir.IntType(32)(0x8040)), mode)  # FTZ and DAZ
        _control(builder, "llvm.x86.sse.ldmxcsr", mode)
        return before

    return types.int32(), codegen


@intrinsic
def restore_denormals(typingctx, mode):
    def codegen(context, builder, signature, args):
        if X86:
            _control(builder, "llvm.x86.sse.ldmxcsr", cgutils.alloca_once_value(builder, args[0]))
        return context.get_dummy_value()

    return types.void(types.int32), codegen


def _control(builder, name, mode):
    byte = ir.IntType(8).as_pointer()
    signature = ir.FunctionType(ir.VoidType(), [byte])
    function = cgutils.get_or_insert_function(builder.module, signature, name)
    builder.call(function, [builder.bitcast(mode, byte)])


@intrinsic
def count_up(typingctx, p):
    """Add 1 to a shared counter; give its new value."""

    def codegen(context, builder, signature, args):
        return builder.add(builder.atomic_rmw("add", args[0], INT(1), "seq_cst"), INT(1))

    return types.int64(p), codegen


@intrinsic
def look(typingctx, p):
    """Read what another thread may have published."""
    return types.int64(p), lambda context, builder, signature, args: builder.load_atomic(
        args[0], "acquire", 8
    )


@intrinsic
def publish(typingctx, p, value):
    def codegen(context, builder, signature, args):
        builder.store_atomic(args[1], args[0], "release", 8)
        return context.get_dummy_value()

    return types.void(p, types.int64), codegen


# Lets another thread run; found by LLVM among the symbols of the process.
give_way = types.ExternalFunction(
    "SwitchToThread" if sys.platform == "win32" else "sched_yield", types.int32()
)
