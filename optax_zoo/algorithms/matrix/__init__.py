"""Matrix methods: preconditioners and steps that know rows and columns."""
