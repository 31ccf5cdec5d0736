"""Measurements of the toolkit and of the firmware it makes; run by hand, never by the tests."""
