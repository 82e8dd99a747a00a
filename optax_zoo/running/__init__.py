"""What races, ablations and animations share: who takes part, what can be wrong, progress and Ctrl-C."""
