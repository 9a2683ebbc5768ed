"""What the window can ask of the engine, one file per subject; the bridge is all of them."""
