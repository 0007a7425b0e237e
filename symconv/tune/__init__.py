"""Which candidate runs at which sizes, and with which numbers: a cost model, and measuring where it is asked for."""
