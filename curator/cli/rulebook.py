"""`curator rulebook`: check, apply, compare, merge, publish; the project's rulebook, a file's, or the shipped one."""

import uuid
from pathlib import Path
from typing import Any

import click

from curator.cli.common import answer, finish, json_option, project_of

MAX_LINES = 40  # told in words; --json has all


@click.group(name="rulebook")
def rulebook_group() -> None:
    """Check, apply, change and publish the tag rulebook. Its commands take --json."""


_file_argument = click.argument("file", type=click.Path(path_type=Path), required=False)
_filter_option = click.option(
    "--preset", "--filter", "chosen", default="paper", show_default=True, help="A preset, or a JSON file of steps."
)


def _project_or_none(ctx: click.Context) -> Any:
    """The project, or None where none was named and none is near: then the shipped rulebook is meant."""
    from curator.errors import ProjectError
    from curator.project import find_project

    if not ctx.find_root().obj:
        try:
            find_project(Path.cwd())
        except ProjectError:
            return None
    return project_of(ctx)


def _rulebook_of(ctx: click.Context, file: Path | None) -> Any:
    """FILE's rulebook, else the project's, else the shipped one."""
    from curator import rulebook_log, rulebooks

    if file is not None:
        return rulebooks.read_rulebook_file(file)
    project = _project_or_none(ctx)
    return rulebook_log.shipped_rulebook() if project is None else rulebooks.working(project).rulebook


@rulebook_group.command()
@_file_argument
@json_option
@click.pass_context
def stats(ctx: click.Context, file: Path | None, as_json: bool) -> None:
    """Classes, raw tags, categories, exclusions, digest."""
    from rulebook.verdicts import stats as count

    found = count(_rulebook_of(ctx, file))

    def words() -> str:
        categories = ", ".join(f"{number} {name}" for name, number in found["by_category"].items())
        lines = [f"{found['classes']} classes ({categories}) of {found['raw_tags']} raw tags"]
        lines += [f"  left out as {reason}: {number}" for reason, number in found["excluded"].items()]
        return "\n".join([*lines, f"digest {found['digest']}"])

    answer(found, as_json, words)


@rulebook_group.command()
@_file_argument
@click.option("--tags", "tags_file", type=click.Path(path_type=Path), help="A tag table (CSV) to check names against.")
@click.option("--posts", "with_posts", is_flag=True, help="Also what the project's posts say against it.")
@json_option
@click.pass_context
def lint(ctx: click.Context, file: Path | None, tags_file: Path | None, with_posts: bool, as_json: bool) -> None:
    """What is wrong with a rulebook; exit 1 where anything is worse than a note."""
    from curator.rulebook_bench import lint_rulebook
    from rulebook.lint import is_clean

    project = _project_or_none(ctx)
    findings = lint_rulebook(_rulebook_of(ctx, file), project, tags_file=tags_file, with_posts=with_posts)
    clean = is_clean(findings)
    told = [one for one in findings if one.severity != "note"]

    def words() -> str:
        lines = [f"{one.severity}: {one}" for one in told[:MAX_LINES]]
        if len(told) > MAX_LINES:
            lines.append(f"... and {len(told) - MAX_LINES} more (--json lists all)")
        return "\n".join([*lines, f"{len(told)} problems, {len(findings) - len(told)} notes"])

    answer({"clean": clean, "findings": [one.to_json() for one in findings]}, as_json, words)
    finish(not clean)


@rulebook_group.command()
@_file_argument
@click.option("--check", is_flag=True, help="Write nothing; exit 1 where it would change.")
@json_option
@click.pass_context
def fmt(ctx: click.Context, file: Path | None, check: bool, as_json: bool) -> None:
    """Write a rulebook in its one canonical spelling; a second time changes nothing."""
    from curator.rulebook_files import format_file

    project = None if file is not None else _project_or_none(ctx)
    if project is not None:  # kept as changes, spelled when it is written
        found = {"file": None, "changed": False}
    else:
        found = format_file(file, check=check)

    def words() -> str:
        if not found["changed"]:
            return "already in its canonical spelling"
        return f"{found['file']}: {'would be changed' if check else 'formatted'}"

    answer(found, as_json, words)
    finish(check and bool(found["changed"]))


@rulebook_group.command()
@_file_argument
@_filter_option
@click.option("--generate", type=click.IntRange(1), metavar="N", help="On N generated posts; needs no project.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="For --generate.")
@json_option
@click.pass_context
def apply(ctx: click.Context, file: Path | None, chosen: str, generate: int | None, seed: int, as_json: bool) -> None:
    """Apply rulebook and filter to the project's posts: funnel, class counts, digest."""
    from curator.rulebook_bench import apply_to, find_filter

    project = _project_or_none(ctx) if generate else project_of(ctx)
    found = apply_to(project, _rulebook_of(ctx, file), find_filter(chosen), generate=generate, seed=seed)

    def words() -> str:
        lines = [f"{found['kept']} of {found['posts']} posts are kept"]
        lines += [f"  {step['step']:<16}{step['in']:>10} in {step['out']:>10} out" for step in found["funnel"]]
        lines.append(
            f"{len(found['classes'])} classes, median frequency {found['median_frequency']:.3%},"
            f" minimum {found['min_frequency']:.3%}"
        )
        return "\n".join([*lines, f"digest {found['digest']}"])

    answer(found, as_json, words)


@rulebook_group.command()
@click.argument("post", type=click.IntRange(1))
@click.argument("class_name", required=False)
@_filter_option
@json_option
@click.pass_context
def why(ctx: click.Context, post: int, class_name: str | None, chosen: str, as_json: bool) -> None:
    """Why POST is in its classes (or in CLASS_NAME): raw tag, alias or implication; and what the filter says."""
    from curator.rulebook_bench import RulebookBench, find_filter

    found = RulebookBench(project_of(ctx), find_filter(chosen)).why(post, class_name)

    def words() -> str:
        lines = [f"post {post}: " + ("kept" if found["kept"] else "dropped by " + ", ".join(found["dropped_by"]))]
        for one in found["classes"]:
            ways = ", ".join(f"{' -> '.join(because['path'])} ({because['how']})" for because in one["because"])
            lines.append(f"  {one['class']}: {ways}")
        if class_name is not None and not found["classes"]:
            lines.append(f"  not in {class_name}")
        return "\n".join(lines)

    answer(found, as_json, words)


@rulebook_group.command()
@click.argument("before", required=False)
@click.argument("after", required=False)
@json_option
@click.pass_context
def diff(ctx: click.Context, before: str | None, after: str | None, as_json: bool) -> None:
    """What differs between two rulebooks by class and member: BEFORE (else the last version) and AFTER (else working).

    Each is a version's number, `working`, `shipped`, or a file.
    """
    from curator import rulebooks

    project = _project_or_none(ctx)
    if project is None and (before is None or after is None):
        raise click.UsageError("outside a project both BEFORE and AFTER are needed")
    if before is None:
        published = rulebooks.versions(project)
        before = str(published[-1].number) if published else "shipped"
    after = after or "working"
    one, other = rulebooks.find_rulebook(project, before), rulebooks.find_rulebook(project, after)
    from rulebook.diff import diff as compare

    difference = compare(one, other)
    answer(
        {"before": before, "after": after} | rulebooks.difference_to_json(difference),
        as_json,
        lambda: "\n".join(difference.words()) or "no difference",
    )


@rulebook_group.command()
@click.argument("theirs")
@click.option("--base", help="What both come from: a version's number, `shipped`, a file; else the last version.")
@click.option("--take", type=click.Choice(["ours", "theirs"]), help="How to settle every conflict that is left.")
@click.option("--choose", multiple=True, metavar="KEY=ours|theirs", help="How to settle one conflict; again for more.")
@json_option
@click.pass_context
def merge(
    ctx: click.Context, theirs: str, base: str | None, take: str | None, choose: tuple[str, ...], as_json: bool
) -> None:
    """Join THEIRS into the working rulebook; exit 1 with the conflicts, and nothing changed, where some are open."""
    from curator import rulebook_merging, rulebooks
    from curator.store.users import LOCAL_ACTOR_ID

    choices = {}
    for said in choose:
        key, _, choice = said.rpartition("=")
        if not key or choice not in ("ours", "theirs"):
            raise click.BadParameter(f"{said!r}, expected KEY=ours or KEY=theirs", param_hint="--choose")
        choices[key] = choice
    project = project_of(ctx)
    if base is None:
        published = rulebooks.versions(project)
        base = str(published[-1].number) if published else "shipped"
    report = rulebook_merging.merge_rulebook(
        project,
        rulebooks.find_rulebook(project, theirs),
        rulebooks.find_rulebook(project, base),
        change_id=str(uuid.uuid4()),
        base_version=rulebooks.working(project).version,
        actor_id=LOCAL_ACTOR_ID,
        choices=choices,
        otherwise=take,
        words=f"merge {Path(theirs).name}",
    )
    for conflict in report.conflicts:
        click.echo(f"conflict {rulebook_merging.conflict_key(conflict)}: {conflict}", err=True)

    def words() -> str:
        if report.changed is None:
            return f"{len(report.conflicts)} conflicts; nothing was changed (--take or --choose)"
        return "\n".join([*report.words, f"merged; the working rulebook is at version {report.changed.version}"])

    answer(report.to_dict(), as_json, words)
    finish(report.changed is None)


@rulebook_group.command()
@click.option("-m", "--message", required=True, help="What changed, for those who read the list of versions.")
@json_option
@click.pass_context
def publish(ctx: click.Context, message: str, as_json: bool) -> None:
    """Make a version of the working rulebook: its text and lock, in the project and in exports/rulebook-<n>/."""
    from curator import rulebooks
    from curator.rulebook_bench import RulebookBench
    from curator.store.users import LOCAL_ACTOR_ID

    project = project_of(ctx)
    made = RulebookBench(project).publish(
        message,
        change_id=str(uuid.uuid4()),
        base_version=rulebooks.working(project).version,
        actor_id=LOCAL_ACTOR_ID,
    )
    answer(made.to_dict(), as_json, lambda: f"Published version {made.version.number} in {made.folder}")


@rulebook_group.command()
@click.argument("edit_json", metavar="EDIT")
@click.option("--base", type=click.IntRange(1), help="The version you were looking at; else today's.")
@click.option("--change-id", help="A name for this change: given again, it is answered and not done again.")
@click.option("--preview", is_flag=True, help="Only say what it would do to classes, filter and counts.")
@_filter_option
@json_option
@click.pass_context
def edit(
    ctx: click.Context,
    edit_json: str,
    base: int | None,
    change_id: str | None,
    preview: bool,
    chosen: str,
    as_json: bool,
) -> None:
    """Change the working rulebook by one EDIT, as JSON: '{"edit": "add_members", "class_name": ..., "tags": [...]}'."""
    from curator import rulebooks
    from curator.store.users import LOCAL_ACTOR_ID

    project, said = project_of(ctx), rulebooks.parse_edit(edit_json)
    if preview:
        from curator.rulebook_bench import RulebookBench, find_filter

        effect = RulebookBench(project, find_filter(chosen)).preview(said)
        kept = effect["posts"]["kept"]
        answer(effect, as_json, lambda: f"{effect['words']}: {kept[0]} posts kept before, {kept[1]} after")
        return
    changed = rulebooks.change(
        project,
        said,
        change_id=change_id or str(uuid.uuid4()),
        base_version=base or rulebooks.working(project).version,
        actor_id=LOCAL_ACTOR_ID,
    )
    answer(changed.to_dict(), as_json, lambda: f"{changed.words}; the working rulebook is at version {changed.version}")


@rulebook_group.command()
@json_option
@click.pass_context
def undo(ctx: click.Context, as_json: bool) -> None:
    """Take back your last change of the working rulebook."""
    _step(ctx, "undo", as_json)


@rulebook_group.command()
@json_option
@click.pass_context
def redo(ctx: click.Context, as_json: bool) -> None:
    """Do again what the last undo took back."""
    _step(ctx, "redo", as_json)


def _step(ctx: click.Context, action: str, as_json: bool) -> None:
    from curator import rulebooks
    from curator.store.users import LOCAL_ACTOR_ID

    project = project_of(ctx)
    changed = {"undo": rulebooks.undo, "redo": rulebooks.redo}[action](
        project,
        change_id=str(uuid.uuid4()),
        base_version=rulebooks.working(project).version,
        actor_id=LOCAL_ACTOR_ID,
    )
    answer(changed.to_dict(), as_json, lambda: f"{changed.words}; the working rulebook is at version {changed.version}")


@rulebook_group.command()
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="So many changes.")
@json_option
@click.pass_context
def log(ctx: click.Context, limit: int, as_json: bool) -> None:
    """The newest changes of the working rulebook, and all published versions."""
    from curator import rulebook_log, rulebooks

    project = project_of(ctx)
    found: dict[str, Any] = {
        "version": rulebooks.working(project).version,
        "changes": [rulebook_log.change_to_json(one) for one in rulebooks.history(project, limit)],
        "versions": [rulebooks.version_to_json(one) for one in rulebooks.versions(project)],
    }

    def words() -> str:
        lines = [f"{one['version']:>6}  {one['at']}  {one['actor']}: {one['words']}" for one in found["changes"]]
        lines += [f"published {one['number']}  {one['at']}  {one['author']}: {one['message']}"
                  for one in found["versions"]]  # fmt: skip
        return "\n".join(lines)

    answer(found, as_json, words)


@rulebook_group.command(name="import")
@click.argument("file", type=click.Path(path_type=Path))
@json_option
@click.pass_context
def import_rulebook(ctx: click.Context, file: Path, as_json: bool) -> None:
    """Put FILE (.toml, .csv or .json) in the place of the working rulebook; undo brings the old one back."""
    from curator.rulebook_files import import_file
    from curator.store.users import LOCAL_ACTOR_ID

    report = import_file(project_of(ctx), file, actor_id=LOCAL_ACTOR_ID)
    answer(
        report,
        as_json,
        lambda: (
            f"{report['added']} classes added, {report['updated']} changed, {report['removed']} gone,"
            f" {report['unchanged']} unchanged"
        ),
    )


@rulebook_group.command(name="export")
@click.argument("source", required=False)
@click.option(
    "--format", "kind", type=click.Choice(["toml", "csv", "json", "lock"]), help="Else told by the ending of --out."
)
@click.option("--out", type=click.Path(path_type=Path), help="The file to write; else to stdout.")
@json_option
@click.pass_context
def export(ctx: click.Context, source: str | None, kind: str | None, out: Path | None, as_json: bool) -> None:
    """Write a rulebook as TOML, CSV or JSON: SOURCE (a version's number, `shipped`, a file), else the working one."""
    from curator.rulebook_files import export_file, export_text

    kind = kind or (out.suffix.lower().removeprefix(".") if out is not None else "toml")
    if kind not in ("toml", "csv", "json", "lock"):
        raise click.BadParameter(f"{out}: no format has that ending; give --format", param_hint="--out")
    project = _project_or_none(ctx)
    text, classes = export_text(project, source, kind)
    if out is None and not as_json:
        click.echo(text, nl=False)
        return
    report: dict[str, Any] = {"format": kind, "classes": classes}
    report |= {"text": text} if out is None else {"files": [export_file(out, text)]}
    answer(report, as_json, lambda: f"Wrote {out}: {classes} classes")
