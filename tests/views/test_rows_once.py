"""Rows that are measured once are drawn as before."""

from __future__ import annotations

import subprocess
import sys

import pytest

FORMULAS = r"""
\left(\frac{a_{n,\left\lfloor\frac{u+1}{2}\right\rfloor}}{\left(1+\left|x\right|\right)^2}\right)
\begin{aligned} y_{n} &= \sqrt{\sum_{p=0}^{K-1}\left(x_{n+p}-\left[\frac{w_p}{2}\right]\right)^2} \\ r &= (u+1)\;\mathrm{mod}\;2 \end{aligned}
\begin{cases} \left(\frac{1}{x}\right) & x > 0 \\ 0 & \text{else} \end{cases}
"""

DRAWN = """
import hashlib, sys, warnings
warnings.simplefilter("ignore")
import ziamath
if sys.argv[1] == "once":
    from symconv.views.rows_once import measure_rows_once
    measure_rows_once()
    measure_rows_once()
for line in sys.stdin.read().split("\\n"):
    if line:
        svg = ziamath.Latex(line, size=19).svg()
        print(len(svg), hashlib.sha256(svg.encode()).hexdigest())
"""


@pytest.mark.full
def test_the_same_is_drawn() -> None:
    theirs, ours = (
        subprocess.run(
            [sys.executable, "-c", DRAWN, how], input=FORMULAS, capture_output=True, text=True, check=True
        ).stdout
        for how in ("twice", "once")
    )
    assert theirs == ours and len(ours.splitlines()) == 3
