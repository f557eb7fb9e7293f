import json
import sys
from datetime import datetime, timezone
from typing import Any


def record(decision: str, **facts: Any) -> None:
    """One line of JSON for each decision. What callers sent is shortened, and cannot begin a line of its own."""
    line = {"time": datetime.now(timezone.utc).isoformat(), "decision": decision}
    line |= {name: value[:200] if isinstance(value, str) else value for name, value in facts.items()}
    print(json.dumps(line), file=sys.stderr, flush=True)
