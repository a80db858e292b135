"""Token buckets: a steady rate and a burst, on the cloud's clock.

Source: API Gateway Developer Guide, "Throttle requests to your REST APIs": account 10,000 a second with a burst of 5,000; a stage's
settings apply to each of its methods by itself.
"""

from stratus.clock import Clock

ACCOUNT_RATE = 10_000.0
ACCOUNT_BURST = 5_000


class TokenBucket:
    """Holds at most `burst` tokens and gains `rate` a second."""

    __slots__ = ("_at", "_burst", "_clock", "_rate", "_tokens")

    def __init__(self, clock: Clock, rate: float, burst: int) -> None:
        self._clock, self._rate, self._burst = clock, rate, float(burst)
        self._tokens, self._at = self._burst, clock.now()

    def take(self) -> bool:
        """Takes one token, if there is one."""
        now = self._clock.now()
        self._tokens = min(self._burst, self._tokens + max(0.0, now - self._at) * self._rate)
        self._at = now
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True
