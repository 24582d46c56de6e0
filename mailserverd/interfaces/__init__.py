"""The seams: one Protocol a file, with the prose that every implementation must make true.

Rules of every seam: no driver type, cursor or transaction crosses it; every read is bounded; errors are
those of model/errors.py; all methods may be awaited from the reactor thread and never block it.
"""
