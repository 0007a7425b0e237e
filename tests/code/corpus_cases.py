"""The corpus: functions of ``tests/code/corpus``, each with the operator its gradients are of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import symconv as sc

FOLDER = Path(__file__).parent / "corpus"


@dataclass(frozen=True)
class Case:
    """A function, its operator, what its parameters are where that has to be said, and which gradients it returns."""

    file: str
    name: str
    op: sc.Operator
    arguments: Mapping[str, Any] = field(default_factory=dict)
    returns: tuple[str, ...] | None = None

    def __str__(self) -> str:
        return f"{self.file}:{self.name}:{self.op.name}"


STRIDED = sc.conv2d(stride=2, padding=1)
PLAIN = sc.conv2d()
SKEW = sc.conv2d(stride=3, padding=2)
BIASED = sc.conv2d(stride=2, padding=1, bias=True)
FLAT = sc.operator("y[i,j] = sum[p,q](x[i+p,j+q]*w[p,q])")
LINE = sc.operator("y[i] = sum[p](x[i+p]*w[p])")
LINEAR = sc.operator("y[n,f] = sum[c](x[n,c]*w[f,c]) + b[f]")


def cases() -> Iterator[Case]:
    """Every case."""
    yield from windows()
    yield from others()
    yield from courses()
    yield from frameworks()


def windows() -> Iterator[Case]:
    for op, numbers in ((STRIDED, (2, 1)), (PLAIN, (1, 0)), (SKEW, (3, 2))):
        given = {"stride": numbers[0], "pad": numbers[1]}
        for name in ("seven_loops", "seven_loops_continue", "gather_scalar", "taps", "taps_exact_stop",
                     "no_stride_in_slice", "assigned_not_added", "exchanged_axes", "short_range", "wrong_crop",
                     "mean_over_batch", "flipped_kernel", "minus_pad"):  # fmt: skip
            yield Case("loops", name, op, given)
        for name in ("book", "book_wrong_reshape", "book_not_transposed", "stacked"):
            yield Case("columns", name, op, given)
        for name in ("full_correlation", "full_without_rest", "dilated_weight"):
            yield Case("full", name, op, given)
        swapped = ("library_swapped",) if numbers[1] else ()
        for name in ("strided", "strided_right", "library", *swapped):
            yield Case("torchlike", name, op, {"stride": numbers[0], "padding": numbers[1]})
        yield Case("torchlike", "scatter", op, {"stride": numbers[0]})


def courses() -> Iterator[Case]:
    """Columns by index arrays, windows that are views, counters: courses and blogs."""
    for op, numbers in ((STRIDED, (2, 1)), (PLAIN, (1, 0)), (SKEW, (3, 2))):
        given = {"stride": numbers[0], "pad": numbers[1]}
        for name in ("indices_im2col", "indices_batch_first", "plain_add_at", "counted",
                     "counter_not_reset", "while_counters"):  # fmt: skip
            yield Case("courses", name, op, given)
        for name in ("while_square", "listed_columns", "listed_per_sample", "listed_mean", "window_views",
                     "window_views_no_stride", "strided_view", "generated_regions"):  # fmt: skip
            yield Case("courses", name, op, given, ("w",))


def frameworks() -> Iterator[Case]:
    """Calls of PyTorch, TensorFlow and JAX."""
    for op, numbers in ((STRIDED, (2, 1)), (PLAIN, (1, 0)), (SKEW, (3, 2))):
        given = {"stride": numbers[0], "pad": numbers[1]}
        for name in ("torch_unfold_fold", "torch_unfold_flat", "torch_unfold_not_transposed", "torch_functional_grad"):
            yield Case("torchcalls", name, op, given)
        yield Case("torchcalls", "torch_tensor_unfold", op, given, ("w",))
        # TensorFlow ends the process where shapes of its gradients do not fit: those are not executed.
        valid = ("tf_backprop_valid",) if op is PLAIN else ()
        for name in ("tf_backprop", *valid):
            yield Case("tfcalls", name, op, given)
        yield Case("tfcalls", "tf_transposed", op, given, ("x",))
        if op is STRIDED:
            # Nobody tells TensorFlow how many groups there are.
            for name, wanted in (("tf_backprop", ("x", "w")), ("tf_transposed", ("x",))):
                yield Case("tfcalls", name, sc.conv2d(groups=2, stride=2, padding=1), given, wanted)
        # XLA ends the process at pads that cut: those are not executed.
        if op is PLAIN:
            yield Case("jaxcalls", "jax_general", op, given)
            yield Case("jaxcalls", "jax_general_not_flipped", op, given, ("x",))
        yield Case("jaxcalls", "jax_scatter", op, given, ("x",))
        yield Case("jaxcalls", "jax_conv_valid", op, given, ("w",))


def others() -> Iterator[Case]:
    for op, numbers in ((STRIDED, (2, 1)), (PLAIN, (1, 0))):
        yield Case("courses", "assigned_at", op, {"stride": numbers[0], "pad": numbers[1]})
    parameters = {"cache": ("x", "w", "b", {"stride": 2, "pad": 1})}
    for name in ("cs231n_naive", "cs231n_quadruple"):
        yield Case("loops", name, BIASED, parameters)
    nhwc = sc.conv2d(stride=2, padding=1, bias=True, layout="NHWC")
    yield Case("loops", "coursera", nhwc, parameters, ("x", "w", "b"))
    for name in ("scipy_planes", "scipy_flipped_twice", "scipy_forgot_rot"):
        yield Case("full", name, PLAIN)
    for name in ("single_plane", "single_plane_right"):
        yield Case("full", name, FLAT)
    yield Case("full", "one_dimension", sc.conv1d())
    for name in ("np_convolve", "np_convolve_wrong"):
        yield Case("full", name, LINE)
    grouped = sc.conv2d(groups=2)
    for name in ("per_group", "per_group_wrong_slice"):
        yield Case("groups", name, grouped)
    for name in ("chunked", "chunked_wrong_axis", "groups_option"):
        yield Case("torchlike", name, grouped)
    deep = sc.operator("y[n,c,i,j] = sum[p,q](x[n,c,i+p,j+q]*w[c,0,p,q])")
    for name in ("depthwise", "depthwise_broadcast"):
        yield Case("groups", name, deep)
    for name in ("bias_only", "bias_wrong_axes", "bias_mean", "bias_loop"):
        yield Case("groups", name, BIASED, {}, ("b",))
    for name in ("transposed", "transposed_wrong"):
        yield Case("groups", name, sc.conv_transpose2d(stride=2), {"stride": 2})
    for name in ("average_pool", "average_pool_ones", "average_pool_repeat", "average_pool_no_rest",
                 "average_pool_forgot_division"):  # fmt: skip
        yield Case("groups", name, sc.avg_pool2d(2, 2))
    for name in ("linear", "linear_transposed", "linear_mean"):
        yield Case("groups", name, LINEAR)
    for name in ("textbook", "forgot_transposes", "with_flip", "pad_order", "by_unfold", "by_matmul", "by_matmul_mean"):
        yield Case("torchlike", name, PLAIN)
    yield Case("torchlike", "one_dimension", sc.conv1d())


__all__ = ["FOLDER", "Case", "cases"]
