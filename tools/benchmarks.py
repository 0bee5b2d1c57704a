"""Run the comparisons in benchmarks/, one after another: all of them, or those named.

    make bench                     all
    make bench ARGS=coco_export    benchmarks/coco_export.py alone

Every module there that can be run (it has an `if __name__ == "__main__":`) is one claim beside its peer in the same
run. It prints its own figures; it ends with a status other than 0 where the claim does not hold.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main(names: list[str]) -> int:
    """Run the benchmarks of these names, or all; 1 when one failed or a name is unknown."""
    runnable = [
        path.stem
        for path in sorted((ROOT / "benchmarks").glob("*.py"))
        if '__name__ == "__main__"' in path.read_text(encoding="utf-8")
    ]
    unknown = [name for name in names if name not in runnable]
    if unknown:
        print(f"no benchmark {unknown[0]!r}; there are: {', '.join(runnable) or 'none yet'}", file=sys.stderr)
        return 1
    failed = []
    for name in names or runnable:
        print(f"== {name}", flush=True)
        command = [sys.executable, "-m", f"benchmarks.{name}"]
        if subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL).returncode != 0:
            failed.append(name)
    if failed:
        print(f"below their goal or broken: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
