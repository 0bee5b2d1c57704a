"""What a view stands on: the project, its workbench, and who is speaking. One of each per app, held by the app."""

import threading
from dataclasses import dataclass, field
from typing import Final, cast

from flask import Flask, current_app

from curator.project import Project
from curator.store.users import LOCAL_ACTOR_ID
from curator.workbench import Workbench

_KEY: Final = "curator"


@dataclass(frozen=True, slots=True)
class Current:
    """The objects behind one app. `exporting` is held while an export is written: one at a time."""

    project: Project
    workbench: Workbench
    exporting: threading.Lock = field(default_factory=threading.Lock)


def attach(app: Flask, project: Project) -> None:
    """Give an app its project; called once by `create_app`."""
    app.extensions[_KEY] = Current(project, Workbench(project))


def current() -> Current:
    """The objects behind the app that handles this request."""
    return cast(Current, current_app.extensions[_KEY])


def workbench() -> Workbench:
    return current().workbench


def project() -> Project:
    return current().project


def actor_id() -> int:
    """Who is speaking. Without accounts there is one person."""
    return LOCAL_ACTOR_ID
