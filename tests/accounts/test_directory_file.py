"""accounts/directory_file.py: files that are none are refused in a line, whatever they are."""

import pytest

from mailserverd.accounts.administration import VerbRefused
from mailserverd.accounts.directory_file import parsed


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 100_000,
        "a = " + "{b=" * 100_000,
        "a = " + "9" * 5_000,
        "a = 0001-99-99",
        "[" * 1_000,
        "\0",
        "domain = 5",
        '[[domain]]\nname = "' + "a" * 100_000 + '"',
        "[[account]]\naddress = 5",
        "\n".join("[" + ".".join("a" * depth) + "]" for depth in range(1, 1_200)),
    ],
)
def test_rubbish(text: str) -> None:
    with pytest.raises(VerbRefused):
        parsed(text)
