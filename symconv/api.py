"""The public handles: thin objects that hold a result and know which stage answers a question about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from symconv import pipeline
from symconv.asked import module_text, operator_of, tensor_names
from symconv.display import Displayed
from symconv.errors import SpecError
from symconv.family import Family
from symconv.gradients import gradients_type
from symconv.handles import Phases, Steps
from symconv.kernel import Kernel, compiled
from symconv.notation.operator import Operator
from symconv.options import Options, options, spelled_out

if TYPE_CHECKING:
    from symconv.gather.derivation import Derivation
    from symconv.verify.verdict import Verdict

__all__ = ["Gradient", "as_operator", "build", "built", "derive", "jvp", "verify"]


class Gradient(Displayed):
    """A derived operator: its formula, its steps, and itself an operator that can be derived, built and verified.

    ``str(g)`` is the derivation as text; notebooks show its LaTeX.

    >>> import symconv as sc
    >>> g = sc.derive(sc.conv2d(stride=2, padding=1), "x")
    >>> g.tensors
    ('gy', 'x', 'w')
    >>> g.steps[-1].rule
    'solve'
    """

    def __init__(self, derivation: Derivation) -> None:
        self.derivation = derivation

    @property
    def operator(self) -> Operator:
        """The gradient as an operator over the cotangent and the inputs, in relation form."""
        return self.derivation.operator

    @property
    def tensors(self) -> tuple[str, ...]:
        """The input names in call order: the cotangent first."""
        return self.operator.tensors

    @property
    def wrt(self) -> str:
        """The tensor this is the gradient with respect to."""
        return self.derivation.wrt

    def output_shape(self, **shapes: tuple[int, ...]) -> tuple[int, ...]:
        """The output's shape for these input shapes; raises SpecError when they do not fit."""
        return self.operator.output_shape(**shapes)

    @property
    def steps(self) -> Steps:
        """The derivation, step by step: each has ``.rule``, ``.latex()`` and ``.check``."""
        return Steps(self.derivation)

    @property
    def phases(self) -> Phases:
        """The residue classes of the strided axes, in the order they are solved; empty without strides."""
        return Phases(self.derivation.gather)

    def latex(self, width: str | None = None, label: str | None = None) -> str:
        r"""The gather formula as LaTeX, without dollar signs.

        Without arguments it is a block for the inside of a formula, no wider than 6.5 in. With a ``width`` (a number
        and in, cm, mm or pt) or a ``label`` it is a numbered ``align`` environment, which a document with amsmath takes
        as it stands. Raises SpecError for a width or a label that is none.

        >>> import symconv as sc
        >>> print(sc.derive(sc.conv1d(), "w").latex("10cm", label="eq:gw"))
        % gradient of conv1d() with respect to w: \eqref{eq:gw}
        \begin{align}
        \bar w_{f,c,p} &= \sum_{n=0}^{N - 1}\;\sum_{i=0}^{O_{L} - 1}\, \bar y_{n,f,i}\,x_{n,c,i + p} \label{eq:gw} \\
        O_{L} &= L - K + 1 \notag \\
        &\text{for }0 \le f < F,\ 0 \le c < C,\ 0 \le p < K \notag
        \end{align}
        """
        if width is None and label is None:
            from symconv.views.latex import derivation_latex

            return derivation_latex(self.derivation)
        from symconv.views.typeset.fragment import derivation_fragment
        from symconv.views.typeset.layout import TEXT_WIDTH

        return derivation_fragment(self.derivation, TEXT_WIDTH if width is None else width, label)

    def code(self, library: str = "numpy") -> str:
        """Readable source: a function of the arrays, with loops over the taps and slices for the rest.

        ``library`` is "numpy" or "torch". Sizes are read from the arrays' shapes; strides and pads stand in the text as
        numbers. Raises SpecError for another library.

        >>> import symconv as sc
        >>> print(sc.derive(sc.conv1d(stride=2, padding=1), "x").code())
        import numpy as np
        <BLANKLINE>
        <BLANKLINE>
        def conv1d_grad_x(gy, x, w):
            \"""gx[n,c,u] = sum[f,i,p: u = 2*i + p - 1](gy[n,f,i] * w[f,c,p])
            where y[n,f,i] = sum[c,p](x[n,c,2*i+p-1] * w[f,c,p])
            gy (N, F, OL), x (N, C, L), w (F, C, K) -> gx (N, C, L)
            \"""
            N, _, OL = gy.shape
            _, C, L = x.shape
            K = w.shape[2]
            gxp = np.zeros((N, C, L + 2), dtype=gy.dtype)
            for p in range(K):
                gxp[:, :, p:p + 2*OL:2] += np.einsum("nfi,fc->nci", gy, w[:, :, p])
            return gxp[:, :, 1:L + 1]
        <BLANKLINE>
        """
        from symconv.readable.code import code

        return code(self.derivation, library)

    def __str__(self) -> str:
        from symconv.views.text import derivation_text

        return derivation_text(self.derivation)

    def __repr__(self) -> str:
        return f"<gradient of {self.derivation.stated.name} with respect to {self.wrt}>"


def as_operator(op: Operator | Gradient | Family, params: Mapping[str, int] | None = None) -> Operator:
    """The operator behind a handle, of a family that with these numbers; raises SpecError for anything else."""
    return operator_of(op, params)


def derive(op: Operator | Gradient | Family, wrt: str, params: Mapping[str, int] | None = None) -> Gradient:
    """The gradient of a loss with respect to tensor ``wrt``; its cotangent is ``g<output>``.

    Parameters
    ----------
    op : an operator, or a gradient (second order)
    wrt : the name of an input tensor
    params : the whole numbers that a family leaves open, as ``{"s": 2}``

    Raises SpecError for an unknown tensor, DerivationError where there is no derivative, GatherError when isl cannot
    prove
    the result for all sizes.

    >>> import symconv as sc
    >>> sc.derive(sc.conv1d(), "w").output_shape(gy=(2, 4, 5), x=(2, 3, 7), w=(4, 3, 3))
    (4, 3, 3)
    """
    operator = as_operator(op, params)
    return Gradient(pipeline.derive(operator, *tensor_names(operator, (wrt,))))


def jvp(op: Operator | Gradient | Family, wrt: tuple[str, ...] | str, params: Mapping[str, int] | None = None) -> Any:
    """The directional derivative (forward mode) along tangents ``t<name>`` of the tensors ``wrt``: a ``Gradient``.

    Of several outputs it is a named tuple with one for each, ``j.y`` and ``j.z``.

    >>> import symconv as sc
    >>> sc.jvp(sc.conv1d(), ("x", "w")).tensors
    ('x', 'w', 'tx', 'tw')
    >>> sc.jvp(sc.operator("y[i] = 2*x[i]; z[i] = x[i]*w[i]"), "x").z.tensors
    ('x', 'w', 'tx')
    """
    operator = as_operator(op, params)
    names = tensor_names(operator, wrt)
    if operator.several:
        each = (Gradient(pipeline.jvp(operator.only(one), names)) for one in operator.several)
        return gradients_type(operator.several, "Tangents")(*each)
    return Gradient(pipeline.jvp(operator, names))


@spelled_out
def build(
    op: Operator | Gradient | Family,
    dtype: str = "float32",
    sizes: Mapping[str, tuple[int, ...]] | None = None,
    threads: int | None = None,
    accuracy: str = "default",
    tune: bool = False,
    target: str = "native",
    params: Mapping[str, int] | None = None,
) -> Kernel:
    """Derive, generate and compile an operator; the module is cached on disk.

    Parameters
    ----------
    op : an operator (forward and every gradient) or a gradient (its own forward; its backward is compiled when called)
    dtype : "float32" or "float64"
    sizes : shapes by tensor name to specialise to; None for run-time sizes
    threads : how many threads at most; None for every core
    accuracy : "default", or "strict" for direct sums only
    tune : True to measure candidate schedules when a shape is first used, and to remember the fastest on disk
    target : "native", "portable", or an instruction set: "x86-64-v2", "x86-64-v3" (AVX2), "x86-64-v4" (AVX-512)
    params : the whole numbers that a family leaves open, as ``{"s": 2}``

    Raises SpecError for bad options, DerivationError and GatherError from the derivation, BuildError from the compiler.
    """
    if not isinstance(op, Gradient) or params:
        op = as_operator(op, params)
    return built(op, options(dtype=dtype, sizes=sizes, threads=threads, accuracy=accuracy, tune=tune, target=target))


def built(op: Operator | Gradient, chosen: Options, progress: Callable[[str], None] | None = None) -> Kernel:
    """As ``build``, for options already checked, telling ``progress`` what goes on."""
    return compiled(as_operator(op), chosen, isinstance(op, Gradient), progress)


def verify(
    op: Operator | Gradient | Family,
    kernel: Kernel | str | Path | None = None,
    dtype: str | None = None,
    params: Mapping[str, int] | None = None,
) -> Verdict:
    """Judge an operator's kernel against oracles that share no code with its derivation.

    ``kernel`` is a Kernel or the path of a ``.pyx`` module; None builds one. ``dtype`` is float64 unless said.
    ``bool(verdict)`` is the answer, ``print(verdict)`` explains it. Where a kernel chooses among several ways to sum,
    all of them are judged, with numbers that no plan would have. ``params`` are the whole numbers that a family leaves
    open. Raises SpecError for what cannot be judged.
    """
    from symconv.judged import judged

    operator = as_operator(op, params)
    if kernel is not None and not isinstance(kernel, Kernel | str | Path):
        raise SpecError(f"kernel is a Kernel or the path of a .pyx module; given a {type(kernel).__name__}")
    usual = kernel.options.dtype if isinstance(kernel, Kernel) else "float64"
    chosen = options(dtype=usual if dtype is None else dtype)
    if isinstance(kernel, str | Path):
        kernel = Kernel(operator, chosen, pipeline.build_text(module_text(Path(kernel)), chosen), None)
    made = kernel or built(op if isinstance(op, Gradient) else operator, chosen)
    gradients = () if isinstance(op, Gradient) else None
    return judged(operator, made, chosen.dtype, gradients)
