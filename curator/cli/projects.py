"""Commands about a project as a whole: init, status, check, backup, restore."""

from pathlib import Path

import click

from curator.cli.common import answer, finish, json_option, project_of


@click.command()
@click.argument("directory", type=click.Path(path_type=Path))
@json_option
def init(directory: Path, as_json: bool) -> None:
    """Make an empty project in DIRECTORY."""
    from curator.project import init_project

    project = init_project(directory)
    answer({"project": str(project.root)}, as_json, lambda: f"Made a project in {project.root}")


@click.command()
@json_option
@click.pass_context
def status(ctx: click.Context, as_json: bool) -> None:
    """Where the project stands: images, keypoints, queues."""
    from curator.status import status as project_status

    found = project_status(project_of(ctx))

    def words() -> str:
        lines = [
            f"{found['project']}: {found['images']} images ({found['images_with_bytes']} with their picture,"
            f" {found['removed']} removed), {found['annotations']} annotations",
            "",
            f"{'keypoint':<16}{'visible':>9}{'hidden':>9}{'absent':>9}{'undecided':>11}",
        ]
        for name, counts in found["keypoints"].items():
            row = (f"{counts[state]:>{width}}" for state, width in _STATE_COLUMNS)
            lines.append(f"{name:<16}" + "".join(row))
        for name, size in found["queues"].items():
            lines += [
                "",
                f"queue {name}: {size} to label, {found['skipped'][name]} skipped,"
                f" {found['waiting_for_bytes'][name]} waiting for their picture",
            ]
        return "\n".join(lines)

    answer(found, as_json, words)


_STATE_COLUMNS = (("visible", 9), ("hidden", 9), ("absent", 9), ("undecided", 11))


@click.command()
@click.option("--repair", is_flag=True, help="Mend what is safe to mend.")
@click.option("--quick", is_flag=True, help="Do not read every picture's bytes.")
@json_option
@click.pass_context
def check(ctx: click.Context, repair: bool, quick: bool, as_json: bool) -> None:
    """Prove that nothing is lost or damaged; exit 1 when something is."""
    from curator.check import check_project

    report = check_project(project_of(ctx), repair=repair, quick=quick)

    def words() -> str:
        verdict = "Everything is whole." if not report.problems else f"{len(report.problems)} problems:"
        return "\n".join([*report.repaired, *report.notes, verdict, *report.problems])

    answer(report.to_dict(), as_json, words)
    finish(bool(report.problems))


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@json_option
@click.pass_context
def backup(ctx: click.Context, file: Path, as_json: bool) -> None:
    """Write the whole project into FILE, a zip; labelling may go on meanwhile."""
    from curator.backup import backup as write_backup

    report = write_backup(project_of(ctx), file)
    answer(report.to_dict(), as_json, lambda: f"Wrote {report.path}: {report.files} files, {report.size_bytes} bytes")


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("directory", type=click.Path(path_type=Path))
@json_option
def restore(file: Path, directory: Path, as_json: bool) -> None:
    """Make a project in DIRECTORY from the backup FILE, and check that it is whole."""
    from curator.backup import restore as read_backup

    project = read_backup(file, directory)
    answer({"project": str(project.root)}, as_json, lambda: f"Restored into {project.root}; everything is whole.")
