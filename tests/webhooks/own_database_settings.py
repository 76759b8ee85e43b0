"""The site of the tests with a second database, and the router of the page on scale."""

import sys
from pathlib import Path

from test_settings import *  # noqa: F403  pylint: disable=wildcard-import,unused-wildcard-import

sys.path.append(str(Path(__file__).resolve().parents[2] / "docs" / "concepts"))
DATABASES = {
    # Not those of the tests that run at this moment.
    alias: {**DATABASES["default"], "NAME": f"{DATABASES['default']['NAME']}_own_{alias}"}  # noqa: F405
    for alias in ("default", "webhooks")
}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    for _database in DATABASES.values():
        _database["NAME"] = ":memory:"
DATABASE_ROUTERS = ["webhooks_router.WebhooksRouter"]
