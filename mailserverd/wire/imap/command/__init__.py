"""Commands as values. Standing rule: a file a command, with its frozen dataclass and parse_<name>(cursor)."""
