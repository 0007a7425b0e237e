"""Target languages: from kernels to a compiled operator, in Cython and in C99."""
