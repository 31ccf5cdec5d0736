"""What the user types, one module a verb: a request becomes a report."""
