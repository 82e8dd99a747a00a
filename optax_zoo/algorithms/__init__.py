"""The algorithms, a package for each family, in it a module for each algorithm or a close few."""
