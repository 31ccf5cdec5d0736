"""Networks that fit a part before they are trained: spaces, budgets, costs, workers, results."""
