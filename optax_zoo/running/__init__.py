"""What races, ablations and animations share: who takes part, what can go wrong, progress and Ctrl-C."""
