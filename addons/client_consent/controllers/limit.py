import time
from collections import defaultdict, deque

_calls = defaultdict(deque)


def allowed(request, name, per_minute=10):
    """Whether this visitor may call a public page once more within the minute."""
    now, calls = time.monotonic(), _calls[name, request.httprequest.remote_addr]
    while calls and calls[0] < now - 60:
        calls.popleft()
    if len(calls) >= per_minute:
        return False
    calls.append(now)
    return True
