"""Methods that train at other parameters than the ones they lead to."""
