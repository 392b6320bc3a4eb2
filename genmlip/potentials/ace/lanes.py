"""Four numbers side by side: a SIMD type for kernels, as compilers leave short loops over arrays scalar.

    a = load(x, (i, j))                   x[i, j, :] where the last of three axes has WIDTH numbers
    store(y, (i, j), a * b + splat(2.0))  + - * / work lane by lane

They become vectors of the machine: two registers of SSE2 or NEON, one of AVX2. A product and a sum may be
contracted into one rounding where the machine has such an instruction. Like all intrinsics they end up in the
compiled caller: after a change here delete the cached kernels that use them.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, overload, register_model

WIDTH = 4

_VECTOR = ir.VectorType(ir.DoubleType(), WIDTH)
_INT32 = ir.IntType(32)
_FLAGS = ("contract", "nsz")


class LanesType(types.Type):
    """Numba's name for WIDTH numbers in double precision."""

    def __init__(self) -> None:
        super().__init__(name=f"Lanes{WIDTH}")


lanes = LanesType()


@register_model(LanesType)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: LanesType) -> None:
        super().__init__(manager, kind, _VECTOR)


def _arithmetic(symbol: Callable[[Any, Any], Any], instruction: str) -> None:
    @intrinsic
    def lane_by_lane(context, a, b):  # type: ignore[no-untyped-def]
        def build(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
            return getattr(builder, instruction)(*arguments, flags=_FLAGS)

        return lanes(lanes, lanes), build

    @overload(symbol)
    def choose(a, b):  # type: ignore[no-untyped-def]
        if isinstance(a, LanesType) and isinstance(b, LanesType):
            return lambda a, b: lane_by_lane(a, b)  # noqa: PLW0108 - numba wants a function of its own
        return None


for _symbol, _instruction in (
    (operator.add, "fadd"),
    (operator.sub, "fsub"),
    (operator.mul, "fmul"),
    (operator.truediv, "fdiv"),
):
    _arithmetic(_symbol, _instruction)


@intrinsic
def load(context, x, index):  # type: ignore[no-untyped-def]
    """x[index], WIDTH numbers of a C-contiguous array.

    ``index`` leaves out the last axis, which must have WIDTH numbers; or it is complete and names the first.
    """
    if not _is_array(x):
        return None

    def build(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        first = _address(context, builder, signature, arguments)
        return builder.load(builder.bitcast(first, ir.PointerType(_VECTOR)), align=8)

    return lanes(x, index), build


@intrinsic
def store(context, x, index, a):  # type: ignore[no-untyped-def]
    """x[index] = a, where :func:`load` would find it."""
    if not _is_array(x):
        return None

    def build(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        first = _address(context, builder, signature, arguments)
        builder.store(arguments[2], builder.bitcast(first, ir.PointerType(_VECTOR)), align=8)
        return context.get_dummy_value()

    return types.void(x, index, lanes), build


@intrinsic
def spread(context, x, index):  # type: ignore[no-untyped-def]
    """The number x[index] in all lanes; the index is complete and not negative."""
    if not _is_array(x):
        return None

    def build(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return _in_all_lanes(builder, builder.load(_address(context, builder, signature, arguments)))

    return lanes(x, index), build


@intrinsic
def entry(context, x, index):  # type: ignore[no-untyped-def]
    """The integer x[index]; the index is complete and not negative, and nobody asks whether it is."""
    if not (isinstance(x, types.Array) and x.layout == "C" and isinstance(x.dtype, types.Integer)):
        return None

    def build(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        number = builder.load(_address(context, builder, signature, arguments))
        return context.cast(builder, number, x.dtype, types.intp)

    return types.intp(x, index), build


@intrinsic
def splat(context, number):  # type: ignore[no-untyped-def]
    """The same number in all lanes."""

    def build(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return _in_all_lanes(builder, arguments[0])

    return lanes(types.float64), build


@intrinsic
def square_root(context, a):  # type: ignore[no-untyped-def]
    """√a."""

    def build(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        kind = ir.FunctionType(_VECTOR, [_VECTOR])
        function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.sqrt.v{WIDTH}f64")
        return builder.call(function, arguments)

    return lanes(lanes), build


@intrinsic
def transpose(context, a, b, c, d):  # type: ignore[no-untyped-def]
    """Lane k of the result q is lane q of argument k."""

    def build(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        def mix(x, y, pattern):  # type: ignore[no-untyped-def]
            return builder.shuffle_vector(x, y, _pattern(pattern))

        a, b, c, d = arguments
        ab, ab_odd = mix(a, b, [0, 4, 2, 6]), mix(a, b, [1, 5, 3, 7])
        cd, cd_odd = mix(c, d, [0, 4, 2, 6]), mix(c, d, [1, 5, 3, 7])
        low, high = [0, 1, 4, 5], [2, 3, 6, 7]
        rows = [mix(ab, cd, low), mix(ab_odd, cd_odd, low), mix(ab, cd, high), mix(ab_odd, cd_odd, high)]
        return context.make_tuple(builder, signature.return_type, rows)

    return types.UniTuple(lanes, 4)(lanes, lanes, lanes, lanes), build


def _is_array(kind: Any) -> bool:
    return isinstance(kind, types.Array) and kind.layout == "C" and kind.dtype == types.float64


def _address(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
    """Of an element, by the array and the index (an integer or a tuple) that are the first two arguments.

    The last extent is WIDTH, a constant, where the index leaves it out: that saves a multiplication.
    """
    kind, index = signature.args[:2]
    struct = context.make_array(kind)(context, builder, arguments[0])
    several = isinstance(index, types.BaseTuple)
    values = cgutils.unpack_tuple(builder, arguments[1]) if several else [arguments[1]]
    indices = [
        context.cast(builder, value, integer, types.intp)
        for value, integer in zip(values, index.types if several else [index], strict=True)
    ]
    extents = cgutils.unpack_tuple(builder, struct.shape)
    if len(indices) < kind.ndim:
        indices.append(indices[0].type(0))
        extents[-1] = indices[0].type(WIDTH)
    position = indices[0]
    for extent, i in zip(extents[1:], indices[1:], strict=True):
        position = builder.add(builder.mul(position, extent), i)
    return builder.gep(struct.data, [position])


def _in_all_lanes(builder, number):  # type: ignore[no-untyped-def]
    one = builder.insert_element(_VECTOR(ir.Undefined), number, _INT32(0))
    return builder.shuffle_vector(one, _VECTOR(ir.Undefined), _pattern([0] * WIDTH))


def _pattern(indices: list[int]) -> Any:
    return ir.Constant(ir.VectorType(_INT32, len(indices)), indices)
