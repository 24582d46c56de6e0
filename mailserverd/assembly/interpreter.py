"""How the interpreter is set for this server.

Standing rules: called once, when everything is constructed and before anything is served; nothing here changes what
the server does, only what it costs.
"""

import gc

YOUNG_OBJECTS = 20_000  # a message makes some hundred objects and hardly ever a cycle: 700 would mean a look at each


def set_interpreter() -> None:
    """What was imported and built lives as long as the process: the collector need never look at it again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 50)
