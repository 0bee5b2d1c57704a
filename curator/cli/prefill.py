"""`curator prefill`: proposals for what nobody has decided yet."""

from dataclasses import asdict

import click

from curator.cli.common import answer, finish, json_option, project_of


@click.command()
@click.option("--model", default="geometry", show_default=True, help="Which model proposes.")
@click.option("--missing-only", is_flag=True, help="Leave out annotations in which nothing is missing.")
@json_option
@click.pass_context
def prefill(ctx: click.Context, model: str, missing_only: bool, as_json: bool) -> None:
    """Propose what nobody has decided yet, and keep the proposals apart from the annotations."""
    from curator.prefill import prefill as run

    report = run(project_of(ctx), model=model, missing_only=missing_only)
    for skipped in report.skipped:
        click.echo(f"skipped {skipped['record']}: {skipped['reason']}", err=True)
    answer(
        asdict(report),
        as_json,
        lambda: (
            f"{report.model}: {report.predicted} predictions for {report.images} images in {report.seconds:.1f} s,"
            f" {len(report.skipped)} skipped"
        ),
    )
    finish(False)
