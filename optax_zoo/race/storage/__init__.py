"""What a race writes to disk and reads back."""
