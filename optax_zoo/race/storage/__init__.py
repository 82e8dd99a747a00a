"""What a race leaves on the disk, and reads again."""
