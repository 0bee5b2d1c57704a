"""How quickly characters are drawn: images a second on one core, and poses a second without pixels.

    python -m benchmarks.characters [--count 200] [--json]

The goal (issue 2): about 20 images a second per core at 600 px, alpha included. Times are processor time of this
process, so that a busy machine does not blur them; wall time is printed beside.
"""

import argparse
import json
import os
import time
from collections.abc import Callable

# One core: librsvg is single-threaded, but vips would copy tiles in a pool.
os.environ.setdefault("VIPS_CONCURRENCY", "1")


def rate(work: Callable[[int], object], count: int) -> dict[str, float]:
    """Run `work` for seeds 0 to count - 1: items per second of processor time and of wall time."""
    work(0)
    cpu, wall = time.process_time(), time.perf_counter()
    for seed in range(count):
        work(seed)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return {"per_cpu_s": round(count / cpu, 1), "per_wall_s": round(count / wall, 1)}


def measure(count: int) -> dict[str, dict[str, float]]:
    from datasets.characters import draw_character, pose_only, random_background

    return {
        "draw, transparent, 600 px": rate(lambda seed: draw_character(seed, background="transparent"), count),
        "draw, the recipe's background": rate(draw_character, count),
        "pose only": rate(pose_only, count),
        "background alone, 450 x 600": rate(lambda seed: random_background(seed, (450, 600)), count),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    results = measure(arguments.count)
    if arguments.json:
        print(json.dumps(results))
        return
    for name, numbers in results.items():
        print(f"{name:32} {numbers['per_cpu_s']:8.1f} /s of one core   {numbers['per_wall_s']:8.1f} /s by the clock")


if __name__ == "__main__":
    main()
