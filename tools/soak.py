"""Run the fault and fuzz tests for long, one after another, and write the report that is committed.

    make soak                          all of it, or what is left of a run that was stopped
    make soak ARGS="--minutes 30"      stop after the test during which half an hour has passed
    make soak ARGS="--seed 7"          another seed; ARGS=--again forgets what has passed

Every test marked `faults` runs in a process of its own, those with the fixture `fault_round` in ROUNDS rounds (a round
of the kill test kills the server 20 times); every hypothesis test draws with the `soak` profile. What passed is kept in
build/soak, so an interrupted run goes on where it stopped, as long as the commit and the seed are the same. A test
tells what it did by `record_property("kills", 20)`; the report adds these up.

The report, docs/reports/soak.md, carries seed, commit and date.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "build" / "soak"
REPORT = ROOT / "docs" / "reports" / "soak.md"
DEFAULT_SEED = 20220104
ROUNDS = 10
CHOSEN = "faults or fuzz"

Results = dict[str, dict[str, Any]]


def main() -> int:
    """Run what is left; 0 when every test of the soak has passed, 1 when one failed or time ran out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="rounds of the tests that come in rounds")
    parser.add_argument("--minutes", type=float, default=None, help="start no further test after this time")
    parser.add_argument("--again", action="store_true", help="forget what has passed")
    options = parser.parse_args()

    WORK.mkdir(parents=True, exist_ok=True)
    commit = commit_in_words()
    kept = WORK / f"{re.sub(r'[^0-9a-z]+', '-', commit)}-{options.seed}.json"
    results: Results = {}
    if kept.exists() and not options.again:
        results = json.loads(kept.read_text(encoding="utf-8"))
    environment = os.environ | {"TEST_SEED": str(options.seed), "SOAK_ROUNDS": str(options.rounds)}

    tests = collect(environment)
    left = [test for test in tests if results.get(test, {}).get("outcome") not in ("passed", "skipped")]
    print(f"soak: {len(tests)} tests, {len(tests) - len(left)} done before, seed {options.seed}, {commit}")
    started = time.monotonic()
    for number, test in enumerate(left, 1):
        if options.minutes is not None and time.monotonic() - started > options.minutes * 60:
            print(f"soak: time is up; `make soak` goes on with the other {len(left) - number + 1}")
            break
        results[test] = result = run_one(test, environment)
        kept.write_text(json.dumps(results, indent=1), encoding="utf-8")
        print(f"[{number}/{len(left)}] {result['outcome']:7} {result['seconds']:8.1f} s  {test}", flush=True)

    REPORT.parent.mkdir(parents=True, exist_ok=True)
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    REPORT.write_text(report(tests, results, seed=options.seed, commit=commit, date=today), encoding="utf-8")
    print(f"soak: report in {REPORT.relative_to(ROOT)}")
    return 0 if all(results.get(test, {}).get("outcome") in ("passed", "skipped") for test in tests) else 1


def collect(environment: Mapping[str, str]) -> list[str]:
    """The ids of the tests to run, in pytest's order."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-m", CHOSEN]
    answer = subprocess.run(
        command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    )
    if answer.returncode not in (0, 5):
        sys.exit(f"soak: the tests cannot be collected:\n{answer.stdout}")
    return [line for line in answer.stdout.splitlines() if "::" in line]


def run_one(test: str, environment: Mapping[str, str]) -> dict[str, Any]:
    """Run one test without a time limit; its outcome, seconds and recorded properties."""
    xml = WORK / "last.xml"
    xml.unlink(missing_ok=True)
    started = time.monotonic()
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "timeout=0"]
    command += ["--hypothesis-profile=soak", f"--junitxml={xml}", test]
    with (WORK / "last.log").open("w") as log:
        subprocess.run(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    seconds = time.monotonic() - started
    outcome, properties = read_outcome(xml)
    if outcome == "failed":
        log_kept = WORK / f"failed-{re.sub(r'[^0-9A-Za-z]+', '-', test)[-120:]}.log"
        (WORK / "last.log").replace(log_kept)
        print(f"  see {log_kept.relative_to(ROOT)}")
    return {"outcome": outcome, "seconds": round(seconds, 1), "properties": properties}


def read_outcome(xml: Path) -> tuple[str, dict[str, str]]:
    """`passed`, `failed` or `skipped` and the properties, from a junit file of one test; no file is a failure."""
    try:
        case = ElementTree.parse(xml).getroot().find(".//testcase")
    except (OSError, ElementTree.ParseError):
        return "failed", {}
    if case is None or case.find("failure") is not None or case.find("error") is not None:
        return "failed", {}
    properties = {item.get("name", ""): item.get("value", "") for item in case.iter("property")}
    return "skipped" if case.find("skipped") is not None else "passed", properties


def report(tests: list[str], results: Results, *, seed: int, commit: str, date: str) -> str:
    """The page: how it was run, then a row a test function with its rounds and cases added up."""
    rows: dict[str, dict[str, Any]] = {}
    for test in tests:
        row = rows.setdefault(
            test.partition("[")[0], {"passed": 0, "failed": 0, "skipped": 0, "open": 0, "seconds": 0.0, "did": {}}
        )
        result = results.get(test, {"outcome": "open", "seconds": 0.0, "properties": {}})
        row[result["outcome"]] += 1
        row["seconds"] += result["seconds"]
        for name, value in result["properties"].items():
            number = _number(value)
            row["did"][name] = row["did"].get(name, 0) + number if number is not None else value
    totals = {kind: sum(row[kind] for row in rows.values()) for kind in ("passed", "failed", "skipped", "open")}
    minutes = sum(row["seconds"] for row in rows.values()) / 60
    lines = [
        "# Soak",
        "",
        "The long fault and fuzz runs; `make soak` writes this page. Columns count rounds and cases of a test.",
        "",
        f"- seed {seed}, {commit}, {date}",
        f"- {platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        f"- {totals['passed']} passed, {totals['failed']} failed, {totals['skipped']} skipped, "
        f"{totals['open']} not run yet, {minutes:.1f} minutes",
        "",
        "| test | passed | failed | skipped | not run | seconds | what it did |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, row in rows.items():
        did = ", ".join(f"{what} {value:g}" if isinstance(value, float) else f"{what} {value}"
                        for what, value in row["did"].items())  # fmt: skip
        counts = " | ".join(str(row[kind]) for kind in ("passed", "failed", "skipped", "open"))
        lines.append(f"| `{name.removeprefix('tests/')}` | {counts} | {row['seconds']:.1f} | {did} |")
    return "\n".join(lines) + "\n"


def commit_in_words() -> str:
    """`commit 1a2b3c4d5e6f`, with a word where the tree differs from it (but for the reports)."""
    try:
        commit = _git("rev-parse", "--short=12", "HEAD")
        changed = _git("status", "--porcelain", "--", ".", ":!docs/reports")
    except (OSError, subprocess.CalledProcessError):
        return "no commit (not a git checkout)"
    return f"commit {commit}" + (" with uncommitted changes" if changed else "")


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


if __name__ == "__main__":
    sys.exit(main())
