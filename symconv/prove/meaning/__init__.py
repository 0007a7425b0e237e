"""From the core to sums of products of reads over integer relations."""
