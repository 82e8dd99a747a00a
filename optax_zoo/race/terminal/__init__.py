"""What a race prints."""
