"""imap/spans.py: positions as spans and back, in steps."""

from mailserverd.imap.spans import positions_of, spans_at, steps


def test_positions_spans_and_steps():
    assert spans_at([1, 2, 5, 7, 8]) == [(1, 3), (5, 6), (7, 9)]
    assert spans_at([]) == []
    assert positions_of([(1, 3), (5, 6)]) == [1, 2, 5]
    assert list(steps([(0, 3), (5, 12)], 4)) == [[(0, 3), (5, 6)], [(6, 10)], [(10, 12)]]
    assert list(steps([(0, 8)], 4)) == [[(0, 4)], [(4, 8)]]
    assert list(steps([], 4)) == []
