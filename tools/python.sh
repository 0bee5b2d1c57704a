#!/bin/sh
# Print the Python to make the virtual environment with: $PYTHON if set, else the newest of 3.11 or later that works.
# Each candidate is asked, not just looked up: version managers put names on the path behind which there is nothing.

WORKS='
import sys
if sys.version_info < (3, 11): sys.exit(1)
import ensurepip, venv, sqlite3
if sqlite3.sqlite_version_info < (3, 37): sys.exit(1)
print(sys.executable)
'
# 3.14 and later stand last: the pinned packages may not have wheels for them yet.
for candidate in ${PYTHON:-python3.13 python3.12 python3.11 python3 python3.14 python}; do
    found=$("$candidate" -c "$WORKS" 2>/dev/null </dev/null) && [ -n "$found" ] && echo "$found" && exit 0
done
if [ -n "${PYTHON:-}" ]; then
    echo "PYTHON=$PYTHON does not do: it has to be Python 3.11 or later with venv, ensurepip and SQLite 3.37 or later." >&2
else
    echo "No Python 3.11 or later was found (with venv, ensurepip and SQLite 3.37 or later). Install one, or name it:" >&2
    echo "PYTHON=/path/to/python3 make ... On Debian and Ubuntu: apt-get install python3 python3-venv." >&2
fi
exit 1
