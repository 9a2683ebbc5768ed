"""What the user looks at; only the pad also takes the mouse."""
