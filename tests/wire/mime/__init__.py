"""Tests of mailserverd.wire.mime."""
