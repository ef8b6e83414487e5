"""What turned out to be true: live scores, their estimate, and the rows most worth a label."""
