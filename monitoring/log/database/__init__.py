"""The SQLite file of the prediction log: schema, views, lock, the one writing connection."""
