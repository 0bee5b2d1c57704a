"""People at work, for the tests that kill the server under them: each keeps a ledger of what was acknowledged.

An annotator speaks HTTP as the page does: a change id made once, the base version last seen, the same request again
after an answer that never came. Whatever was answered with 200 is written into the ledger; what was not is sent again
under the same id until it is. The ledger then says exactly what the store must hold, row for row, in order.
"""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from datasets.skeleton import COCO_KEYPOINTS

FACE: Final = ("right_ear", "right_eye", "left_eye", "left_ear")
REASONS: Final = ("several characters", "not full body", "not a character", "duplicate")
NO_ANSWER: Final = (OSError, http.client.HTTPException)
PATIENCE_S: Final = 30.0


class Refused(AssertionError):
    """The server answered with something that it never should have."""


@dataclass
class Line:
    """A server's address that changes with each restart; annotators ask for it before each request."""

    port: int = 0
    is_over: threading.Event = field(default_factory=threading.Event)


class Connection:
    """One kept-alive connection to whoever serves now."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self._open: http.client.HTTPConnection | None = None
        self._port = 0

    def request(self, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        """Send one request. Raises one of NO_ANSWER where no whole answer came."""
        if self._open is None or self._port != self.line.port:
            self.close()
            self._port = self.line.port
            self._open = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE_S)
        data = None if body is None else json.dumps(body).encode()
        try:
            self._open.request(method, path, data, {} if data is None else {"Content-Type": "application/json"})
            response = self._open.getresponse()
            answer = response.read()
        except NO_ANSWER:
            self.close()
            raise
        return response.status, json.loads(answer)

    def close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None


@dataclass
class Held:
    """What the store must say of one annotation and its image, by the answers so far."""

    annotation_id: int
    image_id: int
    version: int
    keypoints: dict[str, dict[str, Any]]
    box: dict[str, Any]
    is_skipped: bool = False
    removal: str | None = None
    changes: list[str] = field(default_factory=list)  # change ids about the annotation, in order
    image_changes: list[str] = field(default_factory=list)
    last_confirmed: tuple[str, dict[str, Any]] | None = None  # change id, values before it

    @property
    def has_undecided_face(self) -> bool:
        return any(self.keypoints[name]["state"] == "undecided" for name in FACE)


@dataclass
class Request:
    """One change on its way: how it is sent, and what it does to the ledger once it is acknowledged."""

    method: str
    path: str
    body: dict[str, Any]
    held: Held
    version: int | None  # the answer must say this; None: any
    acknowledge: Callable[[], None]


class Annotator:
    """One person with annotations of their own, working until told to stop, across any number of restarts."""

    def __init__(self, line: Line, seed: str, held: list[Held]) -> None:
        self.line = line
        self.draw = random.Random(seed)
        self.held = {one.annotation_id: one for one in held}
        self.acknowledged = self.repeated = self.unanswered = self.stale = 0
        self.failure: BaseException | None = None
        self._connection = Connection(line)
        self._last: Request | None = None
        self._thread = threading.Thread(target=self._run, name=f"annotator {seed}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def finish(self) -> None:
        """Wait until the present change is acknowledged; raises what went wrong."""
        self._thread.join(2 * PATIENCE_S)
        self._connection.close()
        if self.failure is not None:
            raise self.failure
        assert not self._thread.is_alive(), f"{self._thread.name} still waits for an answer"

    def _run(self) -> None:
        try:
            while not self.line.is_over.is_set():
                self._work_once()
        except BaseException as error:  # noqa: BLE001 - told by `finish`
            self.failure = error

    def _work_once(self) -> None:
        held = self.draw.choice(list(self.held.values()))
        if self.draw.random() < 0.05 and held.version > 1:
            self._try_stale(held)
        else:
            self._deliver(self._draw_request(held))

    def _deliver(self, request: Request) -> None:
        """Send until it is acknowledged, always with the same change id."""
        until = time.monotonic() + PATIENCE_S
        was_lost = False
        while True:
            try:
                if was_lost:
                    self._ask_for_the_last_one_again()
                status, answer = self._connection.request(request.method, request.path, request.body)
            except NO_ANSWER as error:
                self.unanswered += not was_lost
                was_lost = True
                if time.monotonic() > until:
                    raise Refused(f"no answer for {PATIENCE_S:.0f} s: {error!r}") from error
                time.sleep(0.01)
                continue
            break
        self._check(request, status, answer, may_repeat=was_lost)
        request.acknowledge()
        self.acknowledged += 1
        self.repeated += bool(answer["repeated"])
        self._last = request

    def _ask_for_the_last_one_again(self) -> None:
        """After a restart: what was acknowledged before the kill is known, and changes nothing a second time."""
        if self._last is None:
            return
        status, answer = self._connection.request(self._last.method, self._last.path, self._last.body)
        self._check(self._last, status, answer, may_repeat=True)
        if not answer["repeated"]:
            raise Refused(f"acknowledged before the kill and unknown after it: {self._last.method} {self._last.path}")
        self._last = None

    def _check(self, request: Request, status: int, answer: dict[str, Any], *, may_repeat: bool) -> None:
        sent = f"{request.method} {request.path} {request.body}"
        if status != 200 or answer.get("change_id") != request.body["change_id"]:
            raise Refused(f"{sent}: answered {status} {answer}")
        if answer["repeated"] and not may_repeat:
            raise Refused(f"{sent}: answered as repeated, and was sent once")
        if request.version is not None and answer["version"] != request.version:
            raise Refused(f"{sent}: answered version {answer['version']}, expected {request.version}")

    def _try_stale(self, held: Held) -> None:
        """A base version of before is refused with the current record, and stores nothing."""
        point = {"x": 1, "y": 2, "state": "visible", "source": "placed"}
        body = {"change_id": _new_id(), "base_version": held.version - 1, "changes": {"keypoints": {"nose": point}}}
        try:
            status, answer = self._connection.request("PATCH", f"/api/annotations/{held.annotation_id}", body)
        except NO_ANSWER:
            return
        if status != 409 or answer["version"] != held.version:
            raise Refused(f"a stale change of annotation {held.annotation_id}: answered {status} {answer}")
        self.stale += 1

    # ---- what people do

    def _draw_request(self, held: Held) -> Request:
        kinds: list[Callable[[Held], Request]] = [self._edit] * 5 + [self._confirm] * 3 + [self._skip, self._remove]
        if held.is_skipped:
            kinds += [self._unskip] * 3
        if held.removal is not None:
            kinds += [self._restore] * 3
        if held.last_confirmed is not None:
            kinds += [self._undo] * 2
        return self.draw.choice(kinds)(held)

    def _edit(self, held: Held) -> Request:
        names = self.draw.sample(COCO_KEYPOINTS, self.draw.randint(1, 3))
        changes: dict[str, Any] = {"keypoints": {name: self._keypoint() for name in names}}
        if self.draw.random() < 0.3:
            changes["box"] = self._box(is_confirmed=False)
        return self._change(held, changes)

    def _undo(self, held: Held) -> Request:
        assert held.last_confirmed is not None
        change_id, before = held.last_confirmed
        return self._change(held, before, undoes=change_id)

    def _change(self, held: Held, changes: dict[str, Any], undoes: str | None = None) -> Request:
        body = {"change_id": _new_id(), "base_version": held.version, "changes": changes, "undoes": undoes}

        def acknowledge() -> None:
            _apply(held, changes, body["change_id"])
            held.last_confirmed = None

        return Request("PATCH", f"/api/annotations/{held.annotation_id}", body, held, held.version + 1, acknowledge)

    def _confirm(self, held: Held) -> Request:
        changes = {"keypoints": {name: self._keypoint() for name in FACE}, "box": self._box(is_confirmed=True)}
        shown = {name: {"x": 1.5, "y": 2.5, "state": "visible", "score": 0.5} for name in FACE}
        body = {
            "change_id": _new_id(),
            "base_version": held.version,
            "queue": "face",
            "changes": changes,
            "shown": {"model": "geometry", "model_version": "geometry-1", "keypoints": shown, "box": None},
            "active_ms": self.draw.randint(0, 9000),
        }

        def acknowledge() -> None:
            before = {"keypoints": {name: held.keypoints[name] for name in FACE}, "box": held.box}
            _apply(held, changes, body["change_id"])
            held.is_skipped = False
            held.last_confirmed = (body["change_id"], before)

        path = f"/api/annotations/{held.annotation_id}/confirmations"
        return Request("POST", path, body, held, held.version + 1, acknowledge)

    def _skip(self, held: Held) -> Request:
        return self._set_aside(held, "POST", {"reason": self.draw.choice(("unsure", "hard to see", "髪で見えない"))})

    def _unskip(self, held: Held) -> Request:
        return self._set_aside(held, "DELETE", {})

    def _set_aside(self, held: Held, method: str, more: dict[str, str]) -> Request:
        body = {"change_id": _new_id(), "queue": "face", **more}

        def acknowledge() -> None:
            held.is_skipped = method == "POST"
            held.changes.append(body["change_id"])

        return Request(method, f"/api/annotations/{held.annotation_id}/skips", body, held, held.version, acknowledge)

    def _remove(self, held: Held) -> Request:
        return self._set_removal(held, "POST", self.draw.choice(REASONS))

    def _restore(self, held: Held) -> Request:
        return self._set_removal(held, "DELETE", None)

    def _set_removal(self, held: Held, method: str, reason: str | None) -> Request:
        body = {"change_id": _new_id()} | ({} if reason is None else {"reason": reason})

        def acknowledge() -> None:
            held.removal = reason
            held.image_changes.append(body["change_id"])

        return Request(method, f"/api/images/{held.image_id}/removal", body, held, None, acknowledge)

    def _keypoint(self) -> dict[str, Any]:
        if self.draw.random() < 0.15:
            return {"x": None, "y": None, "state": "absent", "source": "placed"}
        # Beyond the picture's edge too: nothing may be clipped.
        x, y = round(self.draw.uniform(-40, 400), 3), self.draw.uniform(-40, 500)
        return {"x": x, "y": y, "state": self.draw.choice(("visible", "hidden")), "source": "placed"}

    def _box(self, *, is_confirmed: bool) -> dict[str, Any]:
        xywh = [self.draw.uniform(1, 300) for _ in range(4)]
        return {"bbox_xywh": xywh, "source": "confirmed" if is_confirmed else "placed", "confirmed": is_confirmed}


def held_from(task: dict[str, Any]) -> Held:
    """The ledger's page of one task, as the API first tells it."""
    annotation = task["annotation"]
    return Held(
        annotation["id"], annotation["image_id"], annotation["version"], annotation["keypoints"], annotation["box"]
    )


def _apply(held: Held, changes: dict[str, Any], change_id: str) -> None:
    held.keypoints = {**held.keypoints, **changes.get("keypoints", {})}
    held.box = changes.get("box") or held.box
    held.version += 1
    held.changes.append(change_id)


def _new_id() -> str:
    return str(uuid.uuid4())
