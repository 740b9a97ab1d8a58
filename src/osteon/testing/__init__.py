"""Contract suites that every plugin of a kind passes."""
