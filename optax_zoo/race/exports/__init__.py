"""The figures of a race for other programs: tables, LaTeX, and logs of experiments."""
