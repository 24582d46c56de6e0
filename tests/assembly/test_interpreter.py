"""The collector is told what a server is like. In a process of its own, for it is for good."""

import subprocess
import sys


def test_what_is_there_is_left_alone_and_what_comes_is_looked_at_less_often() -> None:
    code = (
        "import gc; from mailserverd.assembly.interpreter import set_interpreter, YOUNG_OBJECTS; set_interpreter();"
        "assert gc.isenabled(); assert gc.get_threshold()[0] == YOUNG_OBJECTS; assert gc.get_freeze_count() > 1000"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
