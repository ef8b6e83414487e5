"""What a training costs, beside a plain script that does the same by hand."""
