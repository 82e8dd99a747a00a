"""What can be said from the numbers of a race."""
