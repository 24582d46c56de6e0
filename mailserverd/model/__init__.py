"""Values that every floor may speak of. Standard library only, no I/O, nothing mutable."""
