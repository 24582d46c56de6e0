"""Where this process logs to: the configured file, twistd's --logfile, standard output, or DATA/mailserverd.log."""

from __future__ import annotations

import atexit
import os
from pathlib import Path

from mailserverd.config.schema import Config
from mailserverd.telemetry.log import LineObserver, RotatingFile, StreamSink
from mailserverd.telemetry.log_batch import LineSink
from mailserverd.telemetry.metrics import Metrics


def log_path(config: Config, foreground: bool, twistd_logfile: str | None) -> Path | None:
    """None: standard output. The configuration wins, then the command line, then the way of running."""
    if config.log.file:
        return config.server.data_directory / config.log.file
    if twistd_logfile and twistd_logfile != "-":
        return Path(twistd_logfile).absolute()
    return None if foreground else config.server.data_directory / "mailserverd.log"


def line_observer(config: Config, path: Path | None, metrics: Metrics) -> LineObserver:
    """Opens the log. Raises OSError."""
    sink: LineSink
    if path is None:
        sink = StreamSink(os.dup(1))  # a copy: twistd turns what is printed into log events
    else:
        sink = RotatingFile(path, config.log.rotate_bytes, config.log.keep_files)
    observer = LineObserver(sink, config.log.level, config.log.format, metrics)
    atexit.register(observer.lines.end)  # whatever ends the process in an orderly way
    return observer
