"""Lines wait for each other, but not long, not many, and not those that matter."""

from mailserverd.telemetry.log_batch import MAX_WAITING_LINES, LogBatch


class Sink:
    def __init__(self) -> None:
        self.seen: list[str] = []

    def write(self, text: str) -> None:
        self.seen.append(text)

    def reopen(self) -> None:
        self.seen.append("(reopened)")

    def close(self) -> None:
        self.seen.append("(closed)")


def begun() -> tuple[Sink, LogBatch]:
    sink = Sink()
    lines = LogBatch(sink)
    lines.begin()
    return sink, lines


def test_before_the_begin_and_after_the_end_each_line_is_a_write() -> None:
    sink = Sink()
    lines = LogBatch(sink)
    lines.write("a\n", False)
    lines.begin()
    lines.write("b\n", False)
    assert sink.seen == ["a\n"]
    lines.end()
    lines.write("c\n", False)
    assert sink.seen == ["a\n", "b\n", "c\n"]


def test_lines_go_out_together_when_the_time_has_come() -> None:
    sink, lines = begun()
    lines.write("a\n", False)
    lines.write("b\n", False)
    assert sink.seen == []
    lines.flush()
    lines.flush()
    assert sink.seen == ["a\nb\n"]


def test_a_line_that_matters_takes_those_before_it_along() -> None:
    sink, lines = begun()
    lines.write("a\n", False)
    lines.write("b\n", True)
    assert sink.seen == ["a\nb\n"]


def test_never_more_than_a_batch_waits() -> None:
    sink, lines = begun()
    for _ in range(MAX_WAITING_LINES + 1):
        lines.write("x\n", False)
    assert sink.seen == ["x\n" * MAX_WAITING_LINES]


def test_what_waits_goes_to_the_old_file() -> None:
    sink, lines = begun()
    lines.write("a\n", False)
    lines.reopen()
    lines.write("b\n", False)
    lines.close()
    assert sink.seen == ["a\n", "(reopened)", "b\n", "(closed)"]


def test_a_line_written_while_one_is_written_is_not_lost() -> None:
    class Nested(Sink):
        def write(self, text: str) -> None:
            super().write(text)
            if len(self.seen) == 1:
                lines.write("from a signal\n", True)

    sink = Nested()
    lines = LogBatch(sink)
    lines.write("a\n", True)
    assert sink.seen == ["a\n", "from a signal\n"]
