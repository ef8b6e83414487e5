"""A person is erased: from the log and run folders; versions that hold them are named."""
