"""What the environment variables say, read once."""

import os
from dataclasses import dataclass
from pathlib import Path

from .console import Problem

REPOSITORY = Path(__file__).resolve().parents[2]
SETUP = REPOSITORY / "setup"
ADDONS = REPOSITORY / "addons"


@dataclass(frozen=True)
class Settings:
    """Where things are and what the user asked for.

    SETUP_HOME        the environment folder; `.environment` in the repository if not given
    ODOO_PATH         an Odoo 19.0 that is already there: a checkout, or a folder that holds the package `odoo`
    ODOO_DEB          Debian's package file of Odoo 19.0; helper packages lying beside it are used too
    STRICT            1: stop when Debian's archive has another version of Odoo than odoo.lock names
    DATABASE_URL, PG* the PostgreSQL to use
    DATABASE          the name of the database that `setup/run` serves; `client_gdpr` if not given
    """

    home: Path
    odoo_path: Path | None
    odoo_deb: Path | None
    strict: bool
    database_url: str | None
    database: str

    @property
    def key_file(self) -> Path:
        return self.home / "client_gdpr.key"

    @property
    def configuration(self) -> Path:
        return self.home / "odoo.conf"

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @classmethod
    def read(cls, environ=os.environ) -> "Settings":
        def path(name):
            value = environ.get(name)
            return Path(value).expanduser().resolve() if value else None

        database = environ.get("DATABASE") or "client_gdpr"
        if not database.replace("_", "").isalnum() or not database.isascii() or database != database.lower():
            raise Problem(f"DATABASE={database} is not a name this set-up takes", "Use small letters, digits and _.")
        return cls(
            home=path("SETUP_HOME") or REPOSITORY / ".environment",
            odoo_path=path("ODOO_PATH"),
            odoo_deb=path("ODOO_DEB"),
            strict=environ.get("STRICT", "") not in ("", "0"),
            database_url=environ.get("DATABASE_URL") or None,
            database=database,
        )
