"""Models that come from elsewhere, and versions that go elsewhere."""
