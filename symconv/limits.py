"""How much work deciding may be: every limit of ``relation``, ``prove``, ``code`` and ``validate``, with its reason.

Beyond a limit the answer is a refusal in words or "undecided", never a guess: a larger number means more answers and a
longer wait. Work is counted (in terms, cells, statements, operations of isl) and not timed, so that every machine gives
the same answer.
"""

from __future__ import annotations

# What is read ------------------------------------------------------------------------------------

CLAIM_CHARACTERS = 4000
"""Of a claim: some hundred times what people write; a parser's trees of more are deeper than Python's stack."""
TOKEN_CHARACTERS = 60
"""Of a name or number in a claim: longer ones are pasted by mistake, and would fill the message."""
INDEX_OPERATIONS = 120
"""Of a claim in index notation, which is expanded into one sum of products."""
WRITTEN_GROUPS = 16
"""Groups of a claim about the gradient of filters, which are written out one by one."""
CODE_CHARACTERS = 200_000
"""Of a file: a module of five thousand lines."""
CODE_STEPS = 200_000
"""Statements that are followed through one function: about a second."""
CALL_DEPTH = 20
"""Functions of the code that call each other; also what stops a recursion."""
LOOP_UNROLLED = 8
"""Iterations of a loop that are read one by one: taps and pairs of axes, rather than positions."""
LIST_LENGTH = 10_000
"""Elements of a list that are written out: longer ones are no formula of a gradient."""
CONDITION_CASES = 24
"""Alternatives of one condition in code: each is a set of terms of its own."""
WRITTEN_POWER = 6
"""A power of sizes in code, which is multiplied out."""
ROW_CASES = 128
"""Conjunctions of one set that are given to isl as rows: of more, isl itself finds those that contradict each other."""
SHIFTED_BITS = 64
"""Of a number in code that is shifted: larger ones are no sizes."""
FORWARD_BRANCHES = 20
"""Choices of sizes that are followed while a forward function is read for its formula; each is read anew."""
ROLLED = 16
"""Places that a claim rolls an axis by: each further 2 are a roll of their own."""
ROLLED_TURNS = 2
"""Whole turns of a roll that code tells for all sizes at once: each is a question to the solver."""
ROLLED_LENGTHS = 6
"""Lengths below this are read one by one where code rolls an axis by more: each is a branch of its own."""
CENTRED_INDICES = 3
"""Indices of one mean, as samples and two axes, whose squares are looked for: their orders in a squared sum are 720."""
FORWARD_TERMS = 64
"""Terms of what a forward function computes that are proved to be it: pads of five axes make 243, and half a minute."""
FORMULA_READS = 60
"""Reads of a formula from code: of a longer one, what it holds several times is a statement of its own."""

FORWARDS = 12
"""Candidates of one output of several, and combinations of them, that are tried."""
OTHER_FORWARDS = 8
"""Further readings of a forward function (numbers of axes, choices at equal numbers) tried for a gradient that is not
right with the first; each is a whole decision."""
SEVERAL_VECTORS = 3
"""Tensors beside an input some of which may be vectors, as of ``X.dot(w) - y``: each choice is read anew."""
MODES = 6
"""Modes of a layer (texts that its parameters are compared with) that are looked at, each a whole decision."""
OTHER_RANKS = 40
"""Numbers of axes that are looked at where shapes do not fit with the first: most are left at once."""
FEW_STEPS = 2
"""Steps of loops over time, up to so many, for which wrong functions are looked at as a whole: in the second one a
state is carried."""

# Sums of products --------------------------------------------------------------------------------

FACTORS = 8
"""Of a product that is multiplied out, and the largest power of an element: 8 equal factors are one order, 8 different
elements of one tensor are already more orders than FACTOR_ORDERS."""
FACTOR_ORDERS = 120
"""Orders of the factors of one product, each a relation of its own: those of five different elements of a tensor."""
PRODUCTS = 1000
"""Of two sums multiplied: more takes seconds to write down and minutes to compare."""
ELEMENT_TERMS = 2000
"""What one element of a claim may sum: more takes seconds to write down and minutes to compare."""
ARGUMENT_CASES = 64
"""Alternatives of what a function is applied to, each an atom of its own: six conditions that halve."""
AXIS_ALTERNATIVES = 64
"""Values of an index, and factors of a length, that are told apart where a position on a flat axis is not affine."""
ALGEBRA_INDICES = 5
"""Of a sum inside a function, in the algebra of both sides: a batch of planes with channels has four, and of more each
order takes too long to write down."""
PARTS_OF_AN_AXIS = 8
"""Parts that ``torch.split`` makes of an axis: each number of them is a case of its own."""
FREE_INDICES = 8
"""Of a sum inside a function: orders of them are tried to find an equal sum, and a batch of volumes with channels in
windows has eight."""

# Fractions of sums -------------------------------------------------------------------------------

ROOT = 64
"""Denominators of powers, as 4 in the power 3/4 of local response normalisation."""
ALGEBRA_MONOMIALS, ALGEBRA_STEPS = 6000, 60_000
"""Of one polynomial, and products of monomials for one claim: about two seconds."""
ALGEBRA_ORDERS = 96
"""Orders and ends in which one sum is written: enough for four indices that stand alone in one place each."""
ALGEBRA_CLEARED = 24
"""Denominators inside denominators that are multiplied out: people write three."""
ALGEBRA_CASES, ALGEBRA_RELATIONS = 100, 64
"""Signs and steps of what a difference holds, case by case: four of them have 81; and what is known in one of them."""
ALGEBRA_POWER = 1000
"""Whole powers that are multiplied out: masks write ``exp(-1e9)``, a product of a billion ``exp(1)``."""
ALGEBRA_FACTORS, ALGEBRA_DIVISORS = 3, 64
"""Of a divisor that is a product of others, and how many products are tried for one."""
PRIMES = 100
"""Of numbers under roots: those of formulas are products of small ones, as 1/100000 is."""

# Sets --------------------------------------------------------------------------------------------

REPEATS = 8
"""How often one product of elements may occur in a sum: each occurrence is a set that is subtracted from the rest."""
LARGEST_RATIO = 10**6
"""Of coefficients that a product of sizes has to equal: its divisors are tried."""
DESCRIPTION_WIDTH = 3
"""Conditions that are joined by "and" in a description of sizes; people do not read more."""
DESCRIPTION_PRODUCTS = 24
"""Of such conditions, while a description is turned into its opposite."""
DESCRIPTION_LITERALS = 60
"""Conditions that a description is made of; isl looks at each."""
DESCRIPTION_POOL = 25
"""The shortest of them, of which all choices of DESCRIPTION_WIDTH are tried: 2300."""
DESCRIPTION_OPERATIONS = 3_000_000
"""Of isl, for one description: well under a second."""

# Deciding ----------------------------------------------------------------------------------------

BRANCHES = 200
"""Cases of sizes that a claim is decided in one by one: a few seconds where each is simple."""
OPEN_BRANCHES = 8
"""As many are enough to see wrong shapes of a claim that is undecided anyway."""
GEOMETRIES = 12
"""Drawn sizes at which a claim or a function is tried on numbers; the first two or three find nearly all mistakes."""
FORCED_POINTS = 100_000
"""What brute force visits for one counterexample: a second of exact arithmetic."""
EXAMPLE_SEEDS = 8
"""Draws of numbers at one size before a difference that was proved is called unseen there."""
PICTURED_PLANES, PICTURED_CELLS = 8, 150
"""Planes that are looked through for a difference, and cells of one that is still looked at."""
REFUTED_SHAPES, REFUTED_POINTS, REFUTED_CELLS = 10, 20_000, 400
"""What is computed in fractions to refute what no proof decides: a few tenths of a second for each."""

REFUTED_FIRST = 4
"""Of these, those that a claim is tried at before its functions are compared: the first show nearly all mistakes."""
REFUTED_ENCLOSED = 40_000
"""Nodes of a formula with functions times points, of all its values that are enclosed without a hint: two seconds."""

# Numbers -----------------------------------------------------------------------------------------

DEFINITION_STEPS = 40_000
"""Scalar steps of one evaluation of the definition in fractions: some tenths of a second."""
ARRAY_CELLS, OBJECT_CELLS = 4_000_000, 250_000
"""Cells of one array of a claim, in machine numbers and as Python numbers: some tenths of a second."""
EINSUM_TERMS, EINSUM_OBJECTS = 50_000_000, 500_000
"""The terms of an einsum, in machine numbers and as Python numbers: some tenths of a second."""
EXPONENT = 700
"""Of exp in exact arithmetic: beyond it the value leaves what is worth to be written down."""
EXACT_POWER = 64
"""Whole exponents that keep fractions fractions: each step doubles the digits at most."""

# Explaining --------------------------------------------------------------------------------------

REPAIR_EDITS = 3
"""Mistakes in one claim that are mended together: with four, the nearest claim is another claim."""
REPAIR_NODES = 30_000
"""Nodes of all trees that are tried: about 2500 trees of common claims, a second's work."""
REPAIR_REDUCTION = 20
"""Nodes that take as long as one sum or maximum in index notation, whose grid is made anew for each tree."""
REPAIR_CELLS = 3000
"""Of an array that an edited claim is tried on."""
REPAIR_FACTOR = 64
"""Factors with larger numerators or denominators are coincidences of the numbers tried."""
FAULT_CELLS, FAULT_EDITS, FAULT_STEPS = 400, 400, 60_000
"""Elements of an array of a trial, edits of a function that are tried, statements that are run for them, up to
half a millisecond each."""
FAULT_AXES = 4
"""Of so many axes every order is tried as what was meant, of more those in which two are exchanged."""
FAULT_FAILED = 20
"""Statements that a trial counts for which makes no sense: where it stopped is not known."""
FAULT_TRIALS = 6
"""The smallest of the drawn sizes: an edit that is right at six is worth a proof."""
FAULT_KNOWN = 20_000
"""Values of expressions that are kept at one size for further edits: some ten megabytes."""
FAULT_SCORED, FAULT_FIRSTS = 2, 4
"""Trials that tell whether an edit makes a function better, and such edits after which a second one is looked for."""
KINK_ELEMENTS = 3
"""Elements that are moved to where kinks may be, at the smallest of those sizes: a tenth of a second."""
KINK_PLACES = 12
"""Numbers that make an argument of a kinked part 0 and are tried for one element."""
KINK_ROWS, KINK_SAMPLES, KINK_ROUNDS, KINK_STEPS = 64, 24, 12, 400
"""Elements of outputs whose slopes at a kink are compared, gradients nearby that are drawn for one, and times that a
further one is looked for, by so many steps through those known: a few tenths of a second for one element that has
another slope."""
KINK_TRIALS, KINK_CELLS = 6, 400
"""Sizes that are compared away from kinks, and what is computed at most at each: a few tenths of a second."""
SHARED_TRIALS = 3
"""Sizes at which a gradient of one element is compared with difference quotients."""
RESULT_CELLS = 400
"""Cells of the arrays that tell a result by its shape."""

# Validation --------------------------------------------------------------------------------------

KERNEL_OPERATIONS = 100_000_000
"""Of isl, for one kernel and one number of lanes: ten times what the largest of the shipped operators need."""
PLANNED_OPERATIONS = 50_000_000
"""Of isl, for a kernel with numbers of a plan: there are many of these."""
LANE_VECTORS = 64
"""Vectors that one turn of a flat loop may hold: more than any machine has registers."""
RUN_STATEMENTS = 100_000
"""Of the interpreter, for one run of a kernel that is not proved: about a quarter of a second."""
RUN_SHAPES = 6
"""Drawn sizes at which such a kernel is run."""
RUN_HIGHER = 2
"""Drawn sizes that are made higher, for kernels that sum several rows at once; such images run in one box, too."""
RUN_LINES = 16
"""Rows of cells that they are made higher by at most; a larger divisor is no number of rows at once."""
UNROLLED_TAPS = 16
"""Of one axis, that have sums of their own in a stencil: more than any tile has."""
