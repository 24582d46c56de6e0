"""twistd whose wall clock (not its monotonic one) is off by the seconds that the file $CLOCK_OFFSET holds.

CLOCK_OFFSET=FILE python -m tests.scenarios.hostile.with_settable_clock -n mailserverd --config FILE
"""

import os
import time
from pathlib import Path

_FILE = Path(os.environ["CLOCK_OFFSET"])
_real = time.time


def _stepped() -> float:
    return _real() + float(_FILE.read_text() or 0)


time.time = _stepped

if __name__ == "__main__":
    from twisted.scripts.twistd import run

    run()
