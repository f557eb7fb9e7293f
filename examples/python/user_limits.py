import time
from collections import OrderedDict
from math import ceil


class UserLimits:
    """So many calls a minute for each user, at once or spread out. In this process only."""

    def __init__(self, calls_per_minute: int, *, remembered_users: int = 10_000) -> None:
        self._seconds_per_call = 60 / calls_per_minute
        self._burst = calls_per_minute
        self._remembered_users = remembered_users
        # When the calls of each user would have ended, had they come evenly. Those who called last stand last.
        self._used_until: OrderedDict[object, float] = OrderedDict()

    def seconds_to_wait(self, user: object, now: float | None = None) -> int:
        """Takes one call, and gives 0; or takes none, and says when to come back."""
        now = time.monotonic() if now is None else now
        used_until = max(self._used_until.pop(user, now), now) + self._seconds_per_call
        excess = used_until - now - self._burst * self._seconds_per_call
        if excess > 1e-9:
            self._used_until[user] = used_until - self._seconds_per_call
            return ceil(excess)
        self._used_until[user] = used_until
        if len(self._used_until) > self._remembered_users:
            self._used_until.popitem(last=False)
        return 0
