"""How true the spotted motions and the aligned crops are: `make bench-fidelity`."""
