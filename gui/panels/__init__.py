"""What the user turns and presses."""
