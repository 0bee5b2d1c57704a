"""People and machines that change rows. Accounts and permissions come later; the rows carry their actor already."""

from typing import Final

from curator.store.database import Database

LOCAL_ACTOR_ID: Final = 1  # the one person at this workstation
IMPORT_ACTOR_ID: Final = 2  # what comes in from files


def user_names(db: Database) -> dict[int, str]:
    """Everybody's name by id."""
    return {row["id"]: row["name"] for row in db.all("SELECT id, name FROM users")}
