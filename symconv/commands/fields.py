"""What answers in JSON hold, field by field: the reference that documentation prints and tests hold answers to."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["EVERY", "FIELDS"]

Fields = Mapping[str, tuple[str, str]]

EVERY: Fields = {
    "command": ("text", "the command that answers"),
    "symconv": ("text", "the version of symconv"),
    "status": ("integer", "the exit status of the process"),
}
"""What every answer begins with."""

_PROOF: Fields = {
    "operator": ("text", "the operator's name with its settings"),
    "claim": ("text", "the claim as it was read"),
    "holds": ("boolean or null", "true and false for all sizes; null where undecided"),
    "verdict": ("text", "true, false or undecided"),
    "fails_when": ("text", "the exact condition on sizes under which it is wrong; never, always, unknown"),
    "holds_when": ("text", "the exact condition under which it is right"),
    "mismatched_when": ("text", "the part of fails_when where shapes do not fit"),
    "counterexample": ("counterexample or null", "the smallest sizes for which it is wrong"),
    "cause": ("text", "the likely mistake"),
    "repair": ("text", "a claim without it, itself proved; empty where none was found"),
    "where": ("text", "the inputs that the answer is for, such as targets that sum to 1; empty for all"),
    "proved": ("list of text", "what was proved"),
    "reason": ("text", "why it is undecided"),
    "leaning": ("text", "what exact checks at random say of an undecided claim"),
    "line": ("integer or null", "of code, the line that is at fault"),
}

_PROOFS: Fields = {
    "name": ("text", "the function or the class"),
    "holds": ("boolean or null", "of all gradients"),
    "verdict": ("text", "true, false or undecided"),
    "proofs": ("object of proof", "a proof for each tensor"),
    "also": ("list of text", "what else was proved, as of the forward function"),
    "unread": ("list of text", "numbers of the layer with which nothing was decided, and why"),
    "numbers": ("text", "with which numbers and texts what is not right was looked at, and with which it is right"),
}

_VERDICT: Fields = {
    "operator": ("text", "the operator's name with its settings"),
    "dtype": ("text", "the type of the numbers"),
    "passed": ("boolean", "whether all was judged and nothing was wrong"),
    "verdict": ("text", "passed, FAILED or NOT JUDGED"),
    "cases": ("integer", "how many numbers were compared"),
    "unjudged": ("list of text", "results that no oracle could judge"),
    "checks": ("list of check", "an oracle at work on one result"),
    "geometries": ("list of object", "the shapes that were tried, by tensor"),
}

FIELDS: Mapping[str, Fields] = {
    "list": {"operators": ("list of operator", "the operators that come with symconv")},
    "doctor": {
        "usable": ("boolean", "whether kernels can be built here"),
        "conclusion": ("text", "that in words"),
        "facts": ("list of fact", "what was looked at"),
    },
    "cache": {
        "folder": ("text", "where the cache is"),
        "limit": ("integer", "bytes it may hold"),
        "occupied": ("integer", "bytes it holds"),
        "count": ("integer", "kernels it holds"),
        "kernels": ("list of kernel", "those that were chosen"),
    },
    "cache --clear": {
        "removed": ("integer", "kernels that went, or with dry_run would go"),
        "freed": ("integer", "their bytes"),
        "dry_run": ("boolean", "whether nothing was deleted"),
    },
    "verify": _VERDICT,
    "verify OP OP": {
        "passed": ("boolean", "whether all passed"),
        "verdicts": ("list of verdict", "one for each operator; of one that cannot be judged operator and error"),
    },
    "run": {
        "operator": ("text", "the operator's name with its settings"),
        "dtype": ("text", "the type of the numbers"),
        "verdict": ("verdict", "what `verify` says of the kernel"),
        "loop_nests": ("object of text", "by kernel: true where proved for all sizes, false, undecided"),
        "files": ("list of text", "what was written"),
    },
    "prove": {**_PROOF, "report": ("text or null", "the page that -o wrote")},
    "prove --code": _PROOFS,
    "prove --for": {
        "claim": ("text", "the claim as it was read"),
        "members": ("list of object", "the options of a member, its verdict, and when it fails"),
        "rule": ("text", "for which members it holds, where a rule was found"),
        "repair": ("text", "a claim that is proved for every member"),
        "held": ("integer", "members for which it holds"),
        "decided": ("integer", "members that were decided"),
    },
    "prove --code --for": {
        "tables": ("list of object", "for each gradient what `prove --for` says of a claim, and its name as gradient"),
    },
    "check": _PROOFS,
    "validate": {
        "operator": ("text", "the operator's name with its settings"),
        "dtype": ("text", "the type of the numbers"),
        "holds": ("boolean or null", "of all kernels; null where one is undecided and none is wrong"),
        "verdict": ("text", "true, false or undecided"),
        "validations": ("list of validation", "one for each kernel"),
    },
    "proof": _PROOF,
    "verdict": _VERDICT,
    "validation": {
        "name": ("text", "the output or the gradient that the kernel computes"),
        "holds": ("boolean or null", "whether its loop nests do what was derived, for all sizes; null where undecided"),
        "verdict": ("text", "true, false or undecided"),
        "proved": ("list of text", "what was proved"),
        "fault": ("text", "what is wrong, with a point"),
        "reason": ("text", "why it is undecided"),
        "runs": ("integer", "of an undecided one, exact runs that showed no difference"),
    },
    "counterexample": {
        "shapes": ("object of list", "by tensor"),
        "mismatch": ("text", "how shapes do not fit; else empty"),
        "cell": ("list of integer", "the cell that is wrong"),
        "got": ("text or null", "its value by the claim, a fraction"),
        "want": ("text or null", "its value by the definition"),
        "exact": ("boolean", "whether both are exact"),
        "missing": ("list of text", "products that the claim leaves out"),
        "extra": ("list of text", "products that it has and should not have"),
    },
    "check of a verdict": {
        "name": ("text", "which result, on which numbers"),
        "oracle": ("text", "what judged it"),
        "geometries": ("integer", "how many shapes were tried"),
        "compared": ("integer", "how many numbers were compared"),
        "unbounded": ("integer", "numbers without a finite error bound: not compared"),
        "worst": ("number or null", "the largest error over what is allowed"),
        "mark": ("text", "ok, FAILED, not judged or not run"),
        "remark": ("text", "what has to be said beside it"),
        "failure": ("text or null", "the worst cell, where one is wrong"),
    },
    "operator": {
        "name": ("text", "what OP is"),
        "line": ("text", "what it is"),
        "family_formula": ("text", "the formula in one dimension, with s, d, lo for stride, dilation, low pad"),
        "options": ("list of text", "the settings it takes"),
        "formula": ("text", "the formula of the example"),
        "example": ("text", "a command that runs"),
        "tensors": ("object of text", "the axes of each tensor"),
    },
    "kernel": {
        "key": ("text", "its name in the cache"),
        "name": ("text", "the operator's name with its settings"),
        "operator": ("text", "the operator's name"),
        "bytes": ("integer", "its size"),
        "seconds_since_use": ("number", "for how long nobody asked for it"),
        "seconds_since_made": ("number", "how long ago it was compiled"),
    },
    "fact": {
        "name": ("text", "what was looked at"),
        "there": ("boolean", "whether it is there, and works"),
        "needed": ("boolean", "whether nothing can be built without it"),
        "details": ("text", "a version, a path, or what is wrong"),
    },
}
"""By command, and by what lists and objects hold."""
