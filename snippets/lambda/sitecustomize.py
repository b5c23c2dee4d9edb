"""Enables governor where GOVERNOR_ENABLED=1: Python imports this module by itself, before the handler's."""

import os

if os.environ.get("GOVERNOR_ENABLED", "").strip().lower() in ("1", "true", "yes", "on"):
    from governor._activation import activate

    activate()
