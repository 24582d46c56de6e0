"""HTTP: today the monitoring listener."""
