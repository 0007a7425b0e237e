"""A layer as a library in C: sources and a header, a Makefile, a test program, formulas, a README; no Python."""

from __future__ import annotations

from symconv import pipeline
from symconv.emit.c99 import CODES, Notes, header, kernels_text, shared_text
from symconv.emit.callables import callables
from symconv.emit.comparing import compares
from symconv.emit.identifiers import unmarked
from symconv.emit.units import Entry, Unit
from symconv.errors import SpecError
from symconv.export import tested
from symconv.export.c_check import check_text
from symconv.export.c_windows import windows
from symconv.export.formulas import formulas_file
from symconv.export.layer import Function, Layer
from symconv.export.package import File, Package
from symconv.export.readme import licence_file, readme_file
from symconv.notation.operator import Tensor
from symconv.options import Options, options
from symconv.templates import environment
from symconv.views.text import gather_text

__all__ = ["package"]

_HEADERS = """assert complex ctype fenv float immintrin inttypes iso646 limits malloc math memory new omp pthread setjmp
stdalign stdarg stdatomic stdbool stddef stdint stdio stdlib stdnoreturn tgmath threads uchar unistd wchar wctype"""


def package(layer: Layer) -> Package:
    """The files of the library; raises SpecError for a name that is a header of C."""
    if layer.name.lower() in _HEADERS:
        raise SpecError(
            f"{layer.name}.h is a header of C or C++ itself; give another name, as in name='{layer.name}_layer'"
        )
    name, op = layer.name, layer.operator
    units = {dtype: _unit(layer, options(dtype=dtype, target="portable")) for dtype in layer.dtypes}
    notes = _notes(layer)
    first = units[layer.dtypes[0]]
    empty = windows(layer.operator, first.entries[0].kernels[0])
    sources = {f"{name}_{CODES[dtype]}.c": kernels_text(unit, dtype, notes, empty) for dtype, unit in units.items()}
    sentences = [assumption.sentence for assumption in op.assumptions]
    sentences += [
        f"every {one.kind} over {', '.join(r.name for r in one.taps)} has a tap" for one in layer.operator.occupied
    ]
    functions = callables(first)
    alike = any(compares(one.kernel) for unit in units.values() for one in callables(unit))
    texts = {
        f"{name}.h": header(first, layer.dtypes, notes),
        f"{name}.c": shared_text(first, sentences, empty),
        **sources,
        "tests/check.c": check_text(layer, functions),
        "Makefile": _rendered("Makefile", layer, alike=alike, sources=[f"{name}.c", *sources]),
    }
    calls = {one.what: f"{name}_{one.what}_{{{','.join(CODES[dtype] for dtype in layer.dtypes)}}}" for one in functions}
    files = (
        readme_file(layer, _SUMMARY, _use(layer), _TESTS, _order(layer), calls),
        licence_file(),
        *(File(path, text) for path, text in texts.items()),
        formulas_file(layer),
    )
    return Package(name, files)


_SUMMARY = "A layer as a library in plain C99, which C++ takes too; it needs the C library alone."
_TESTS = """
`make check` compiles `tests/check.c` with the library, once with vectors and once without, and runs it. It holds inputs
and what the formula, evaluated term by term, makes of them, and compares with `==` wherever small integers stay
integers; guards around each array show who reads or writes beyond it. It also asks that what cannot be used is refused.
"""


def _order(layer: Layer) -> str:
    """How arguments are passed."""
    shaped = any(output.axes for output in layer.operator.outputs)
    stated = f"its result comes last{', with its shape' if shaped else ''}"
    first = "the cotangent"
    if layer.operator.several:
        stated = f"its results come last in theirs, each with its shape: {', '.join(layer.operator.several)}"
        first = "a cotangent for each output"
    return f"""
Each array is followed by its shape, an array of `ptrdiff_t`. `forward` takes its inputs in their order; {stated}.
Gradients take {first} first, then all that `forward` takes, then the result, which has the shape of the tensor
that it is the gradient by. `threads` comes last: among how many OpenMP shares the work, 0 for as many as it likes.
Results are the same bits for any number of threads. Every function returns `{layer.name.upper()}_OK` or why
it did nothing; `{layer.name}_strerror` says it in a sentence. `{layer.name}.h` has every signature.
"""


def _use(layer: Layer) -> str:
    """How the library is compiled and called, with one call as an example."""
    name, code = layer.name, CODES[layer.dtypes[0]]
    inputs = [_array(tensor) for tensor in layer.forward.inputs]
    results = [_array(tensor) for tensor in layer.forward.outputs]
    ranked = any(one["rank"] for one in results)
    text = (
        environment()
        .get_template("c99/use.md.j2")
        .render(
            name=name,
            macro=name.upper(),
            code=code,
            real={"f32": "float", "f64": "double"}[code],
            inputs=inputs,
            results=results,
            ranked=[f"v_{one['name']}_shape" for one in (*inputs, *results) if one["rank"]] if ranked else [],
            sources=[f"{name}.c", f"{name}_{code}.c"],
            shapes=tested.cases(layer)[0],
        )
    )
    return unmarked(text)


def _unit(layer: Layer, chosen: Options) -> Unit:
    """The first candidates of the layer's functions: what is right for every size, and needs no plan."""
    forward = pipeline.direct(layer.forward.derivation, layer.forward.outputs[-1].name, chosen)
    gradients = tuple((pipeline.direct(one.derivation, one.outputs[-1].name, chosen),) for one in layer.gradients)
    returned = tuple(output.name for output in layer.forward.outputs[:-1])
    first = Entry("forward", ((forward,),), returned=returned)
    entries = (first, *((Entry("backward", gradients),) if gradients else ()))
    return Unit(layer.name, entries, (str(layer.operator),))


def _notes(layer: Layer) -> Notes:
    """The formula that each function computes, for the comments beside its loops."""
    return {function.name: _formula(function) for function in layer.functions}


def _formula(function: Function) -> tuple[str, ...]:
    return tuple(gather_text(function.derivation.gather).split("\n"))


def _rendered(template: str, layer: Layer, **facts: object) -> str:
    text = environment().get_template(f"c99/{template}.j2")
    return text.render(name=layer.name, macro=layer.name.upper(), **facts)


def _array(tensor: Tensor) -> dict[str, object]:
    return {"name": tensor.name, "rank": len(tensor.axes), "index": tensor.dtype == "index"}
