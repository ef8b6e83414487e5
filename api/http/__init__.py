"""A request and its answer: body limits, problems in one shape, the outermost middleware."""
