"""Parts of a gradient as people handle them: its steps and its phases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from symconv.display import Displayed

if TYPE_CHECKING:
    from symconv.gather.derivation import Derivation
    from symconv.gather.solution import Gather
    from symconv.notation.trace import Step, Trace

__all__ = ["Phases", "StepView", "Steps"]


class StepView(Displayed):
    """One step of a derivation as a reader sees it; ``derivation`` is the one it belongs to, where there is one."""

    def __init__(self, step: Step, derivation: Derivation | None = None) -> None:
        self.step = step
        self._derivation = derivation

    @property
    def rule(self) -> str:
        """The rule's name."""
        return self.step.rule

    @property
    def check(self) -> str:
        """How the step was checked."""
        return self.step.check

    @property
    def note(self) -> str:
        """What a reader should know: a convention used at a kink, a fallback taken."""
        return self.step.note

    @property
    def parts(self) -> tuple[StepView, ...]:
        """The small steps that this one is made of: the chain rule, the way from relation to loops.

        >>> import symconv as sc
        >>> [part.rule for part in sc.derive(sc.conv1d(stride=2, padding=1), "x").steps[-1].parts]
        ['unknowns', 'residue', 'divide', 'range', 'range', 'limits']
        """
        return tuple(StepView(part) for part in self.small)

    @property
    def small(self) -> Trace:
        """The small steps as the records they are."""
        if self._derivation is None:
            return ()
        from symconv.gather.small import small_steps

        return small_steps(self._derivation)[self._derivation.trace.index(self.step)]

    def latex(self) -> str:
        """The step as LaTeX, without dollar signs."""
        from symconv.views.latex import step_latex

        return step_latex(self.step)

    def __str__(self) -> str:
        from symconv.views.text import step_text

        return step_text(self.step)

    def __repr__(self) -> str:
        from symconv.views.text import WIDTH, step_line

        return f"<step {step_line(self.step, WIDTH - len('<step >'))}>"


class Steps(tuple[StepView, ...], Displayed):
    """The steps of a derivation: a tuple that prints and shows itself as the way from formula to loops.

    >>> import symconv as sc
    >>> sc.derive(sc.conv1d(), "x").steps
    <steps: state, border, differentiate, transpose, solve>
    """

    derivation: Derivation

    def __new__(cls, derivation: Derivation) -> Steps:
        """The steps in the order they are taken."""
        made = super().__new__(cls, (StepView(step, derivation) for step in derivation.trace))
        made.derivation = derivation
        return made

    def __reduce__(self) -> tuple[type[Steps], tuple[Derivation]]:
        return type(self), (self.derivation,)

    def latex(self) -> str:
        """The steps one below the other as LaTeX, without dollar signs."""
        return "\\begin{gathered}\n" + " \\\\[1ex]\n".join(step.latex() for step in self) + "\n\\end{gathered}"

    def __str__(self) -> str:
        from symconv.views.text import steps_text

        return steps_text(self.derivation)

    def __repr__(self) -> str:
        return f"<steps: {', '.join(step.rule for step in self)}>"


class Phases(tuple[Any, ...], Displayed):
    """The residue classes of the strided axes: a tuple that prints and shows itself as tables.

    >>> import symconv as sc
    >>> print(sc.derive(sc.conv1d(stride=2), "x").phases)
    u = 2u′+r_u
      r_u  p0  m_u  taps      outputs
        0   0    0  p=2p′     i=u′−p′
        1   1    0  p=2p′+1   i=u′−p′
    """

    gather: Gather

    def __new__(cls, gather: Gather) -> Phases:
        """The phases of a solution, each once, in the order they are solved."""
        several = (one for s in gather.statements for _, found in s.reductions for one in found)
        made = super().__new__(cls, dict.fromkeys(phase for one in several for phase in one.phases))
        made.gather = gather
        return made

    def __reduce__(self) -> tuple[type[Phases], tuple[Gather]]:
        return type(self), (self.gather,)

    def __str__(self) -> str:
        from symconv.views.text import phases_text

        return phases_text(self.gather) or "no strided axis: one class of cells"

    def __repr__(self) -> str:
        return f"<phases: {', '.join(f'{p.target} mod {p.modulus}' for p in self) or 'no strided axis'}>"
