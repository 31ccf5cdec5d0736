"""Rewrites of the graph, one a file; every pass leaves a legal graph behind."""
