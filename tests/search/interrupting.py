"""A user who interrupts a search."""


class Interrupting:
    """A scorer that the user, or an error, interrupts after some calls."""

    def __init__(self, calls, error=KeyboardInterrupt):
        self.calls = calls
        self.error = error

    def __call__(self, estimator, X, y):
        self.calls -= 1
        if self.calls < 0:
            raise self.error
        return estimator.score(X, y)
