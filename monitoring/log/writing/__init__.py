"""Writing the prediction log: batches, true values, leases, retention."""
