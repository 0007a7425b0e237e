"""Kernels where users live: one thin adaptor for each framework, imported only when it is asked for."""
