"""The load test and the speed comparisons."""
