"""The explorer's page and the report in a real headless Chromium."""
