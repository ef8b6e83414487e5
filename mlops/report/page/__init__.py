"""The page of a report, built from what was found: pure functions that read and write nothing."""
