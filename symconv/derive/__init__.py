"""From an operator to its adjoint: border rules resolved, scalar bodies differentiated, relations transposed."""
