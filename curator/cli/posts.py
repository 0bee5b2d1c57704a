"""`curator posts`: the posts through a filter."""

from pathlib import Path

import click

from curator.cli.common import answer, finish, json_option, project_of


@click.group(name="posts")
def posts_group() -> None:
    """Look through the filter at the posts. Its commands take --json."""


@posts_group.command(name="filter")
@click.option("--preset", "--filter", "chosen", default="paper", show_default=True, help="A preset, or a JSON file.")
@click.option("--out", type=click.Path(path_type=Path), help="JSON lines: each post, kept or its reasons.")
@json_option
@click.pass_context
def filter_posts(ctx: click.Context, chosen: str, out: Path | None, as_json: bool) -> None:
    """Put all posts through a filter: how many each step drops, first and in all."""
    from curator.rulebook_bench import RulebookBench, filter_report, find_filter, write_filtered

    bench = RulebookBench(project_of(ctx), find_filter(chosen))
    found = filter_report(bench)
    if out is not None:
        found["file"] = write_filtered(bench, out)

    def words() -> str:
        lines = [f"{found['kept']} of {found['posts']} posts are kept"]
        lines += [
            f"  {step['step']:<16}{step['in']:>10} in {step['out']:>10} out, {found['reasons'][step['step']]} in all"
            for step in found["funnel"]
        ]
        return "\n".join(lines)

    answer(found, as_json, words)
    finish(False)
