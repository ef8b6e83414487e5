"""Files of tables: packed, encoded, laid out and typed as people bring them."""
