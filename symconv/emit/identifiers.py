"""Names in C text: marked while it is printed, plain where nothing else can be meant by them."""

from __future__ import annotations

import re

__all__ = ["unmarked"]

_MARKED = re.compile(r"\bv_(\w+)")
_WORD = re.compile(r"\b[A-Za-z_]\w{2,}")
"""Names that may be of something global: shorter ones are parameters of helpers."""
_SAID = re.compile(r"/\*.*?\*/|\"(?:[^\"\\\n]|\\.)*\"", re.DOTALL)
"""Comments and strings: what stands there is no name."""
_C = """auto break case char const continue default do double else enum extern float for goto if inline int long
register restrict return short signed sizeof static struct switch typedef union unsigned void volatile while bool true
false"""
_CXX = """alignas alignof and asm catch class compl concept constexpr decltype delete dynamic_cast explicit export final
friend import module mutable namespace new noexcept not nullptr operator or override private protected public requires
template this throw try typeid typename typeof using virtual wchar_t xor bitand bitor and_eq or_eq xor_eq not_eq
constinit consteval co_await co_return co_yield char8_t char16_t char32_t static_assert thread_local const_cast
reinterpret_cast static_cast nullptr_t"""
_MACROS = """linux unix i386 vax near far small interface errno assert offsetof complex imaginary I stdin stdout stderr
isnan isinf isfinite isnormal signbit fpclassify isgreater isless isunordered setjmp"""
_TAKEN = frozenset(f"{_C} {_CXX} {_MACROS}".split())
"""What a name may not be: words of C and C++, and what headers and compilers are known to define."""
_LOUD = re.compile(r"[A-Z][A-Z0-9_]{2,}")
"""How macros are written: somebody's header may define one of these."""


def unmarked(text: str) -> str:
    """The text with each name ``v_name`` as ``name``, but those that may mean something else to a compiler.

    >>> unmarked("v_y[v_i] = sc_exp(v_int) + v_EOF;")
    'y[i] = sc_exp(v_int) + v_EOF;'
    """
    others = {word for word in _WORD.findall(_SAID.sub(" ", text)) if not word.startswith("v_")}
    return _MARKED.sub(lambda found: found[0] if _unsure(found[1], others) else found[1], text)


def _unsure(name: str, others: set[str]) -> bool:
    return bool(name in _TAKEN or name in others or name.startswith(("v_", "_", "sc_", "SC_")) or _LOUD.fullmatch(name))
