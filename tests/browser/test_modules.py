"""The editor's pure modules in a real Chromium: geometry, document, history, outbox, journal, feed, keys."""

import pytest

from datasets.skeleton import COCO_KEYPOINTS, EDGES

TASK = {
    "position": 7,
    "queue": "face",
    "image": {"id": 4, "file_name": "data/images/7.png", "width": 800, "height": 600, "url": "/media/aa"},
    "annotation": {
        "id": 7,
        "image_id": 4,
        "version": 3,
        "keypoints": {"nose": {"x": 100.5, "y": 50, "state": "undecided", "source": "imported"}},
        "extras": {},
        "box": {"bbox_xywh": None, "source": "none", "confirmed": False},
    },
    "prediction": {
        "model": "geometry",
        "model_version": "geometry-1",
        "keypoints": {
            "left_eye": {"x": 110.5, "y": 45.25, "state": "visible", "score": 0.9},
            "left_ear": {"x": 120.5, "y": 47.25, "state": "hidden", "score": 0.4},
        },
        "box": {"bbox_xywh": [10, 20, 300, 500], "source": "joints"},
    },
    "wanted": ["right_ear", "right_eye", "left_eye", "left_ear"],
    "wants_box": True,
    "view": {"x": 50, "y": 0, "width": 120, "height": 100},
}


def test_the_page_and_python_know_the_same_skeleton(js):
    keypoints, edges = js("skeleton", "return [m.KEYPOINTS, m.EDGES]")
    assert tuple(keypoints) == COCO_KEYPOINTS
    assert tuple(map(tuple, edges)) == EDGES


# --- geometry ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [0.05, 1, 9.37, 64], ids=["tiny", "one to one", "head", "largest"])
def test_a_place_survives_the_way_to_the_canvas_and_back(js, scale):
    there, back = js(
        "geometry",
        "const view = {scale: argument, x: -31.5, y: 12.25};"
        "const there = m.imageToView(view, 100.5, -7.25); return [there, m.viewToImage(view, there.x, there.y)];",
        scale,
    )
    assert there == pytest.approx({"x": 100.5 * scale - 31.5, "y": -7.25 * scale + 12.25})
    assert back == pytest.approx({"x": 100.5, "y": -7.25})


def test_zooming_keeps_what_is_under_the_cursor(js):
    before, after, view = js(
        "geometry",
        "const view = {scale: 2, x: 10, y: 20}; const zoomed = m.zoomAt(view, 1.7, 333, 222);"
        "return [m.viewToImage(view, 333, 222), m.viewToImage(zoomed, 333, 222), zoomed];",
    )
    assert after == pytest.approx(before)
    assert view["scale"] == pytest.approx(3.4)


def test_zooming_stops_at_its_limits_but_never_jumps_back_to_them(js):
    largest, smallest, beyond = js(
        "geometry",
        "const zoom = (scale, factor) => m.zoomAt({scale, x: 0, y: 0}, factor, 5, 5, {min: 0.5}).scale;"
        "return [zoom(10, 1e6), zoom(1, 1e-6), zoom(0.25, 0.9)];",
    )
    assert (largest, smallest, beyond) == (64, 0.5, 0.25)


@pytest.mark.parametrize(
    ("rect", "scale"),
    [
        ({"x": 10, "y": 20, "width": 100, "height": 50}, 7.52),
        ({"x": 0, "y": 0, "width": 0, "height": 0}, 64),
        ({"x": -50, "y": 900, "width": 10, "height": 4000}, 0.138),
    ],
    ids=["a head", "a single point", "tall and outside"],
)
def test_fitting_centres_the_rectangle_with_a_margin(js, rect, scale):
    view = js("geometry", "return m.fitRect(argument, {width: 800, height: 600})", rect)
    assert view["scale"] == pytest.approx(scale)
    middle = (rect["x"] + rect["width"] / 2, rect["y"] + rect["height"] / 2)
    assert (middle[0] * view["scale"] + view["x"], middle[1] * view["scale"] + view["y"]) == pytest.approx((400, 300))


@pytest.mark.parametrize(
    ("part", "moved"),
    [
        ("box", [15, 27, 30, 40]),
        ("left", [15, 20, 25, 40]),
        ("bottom", [10, 20, 30, 47]),
        ("top-right", [10, 27, 35, 33]),
    ],
)
def test_parts_of_a_box_move_alone(js, part, moved):
    assert js("geometry", "return m.moveBoxPart([10, 20, 30, 40], argument, 5, 7)", part) == moved


def test_a_box_turned_inside_out_is_put_right_and_never_empty(js):
    assert js("geometry", "return m.moveBoxPart([10, 20, 30, 40], 'left', 50, 0)") == [40, 20, 20, 40]
    assert js("geometry", "return m.moveBoxPart([10, 20, 30, 40], 'left', 30, 0)") == [39, 20, 1, 40]


def test_the_nearest_handle_wins_and_a_far_one_does_not(js):
    found = js(
        "geometry",
        "const points = [{x: 0, y: 0}, null, {x: 10, y: 0}];"
        "return [[6, 0], [4, 0], [30, 0]].map(([x, y]) => m.nearest(points, x, y, 14));",
    )
    assert found == [2, 0, -1]


# --- document ---------------------------------------------------------------------------------------------------------


def test_predictions_lie_over_wanted_points_only_until_a_person_decides(js):
    before, after, nose, ear = js(
        "document",
        """const d = new m.Drawing(argument);
        const moved = d.with(d.placing("left_eye", 1, 2));
        return [d.point("left_eye"), moved.point("left_eye"), d.point("nose"), d.point("right_ear")];""",
        TASK,
    )
    assert (before["by"], before["x"], before["score"]) == ("machine", 110.5, 0.9)
    assert (after["by"], after["x"], after["source"], after["state"]) == ("person", 1, "placed", "visible")
    assert (nose["by"], nose["wanted"], nose["x"]) == ("file", False, 100.5)
    assert (ear["by"], ear["x"]) == ("nobody", None)


def test_a_drawing_never_changes(js):
    assert js(
        "document",
        """const d = new m.Drawing(argument);
        d.with(d.placing("left_eye", 1, 2));
        let refused = 0;
        const { pose } = d;
        for (const change of [() => { d.pose = 0; }, () => { pose.box = 0; }, () => { pose.keypoints.nose.x = 0; }]) {
          try { change(); } catch { refused += 1; }
        }
        return [refused, d.pose.keypoints.left_eye.x, d.pose.keypoints.nose.x];""",
        TASK,
    ) == [3, None, 100.5]


@pytest.mark.parametrize(
    ("name", "state", "keypoint"),
    [
        ("left_eye", "visible", {"x": 110.5, "y": 45.25, "state": "visible", "source": "confirmed"}),
        ("left_eye", "hidden", {"x": 110.5, "y": 45.25, "state": "hidden", "source": "placed"}),
        ("left_ear", "absent", {"x": None, "y": None, "state": "absent", "source": "placed"}),
        ("nose", "hidden", {"x": 100.5, "y": 50, "state": "hidden", "source": "confirmed"}),
        ("right_ear", "absent", {"x": None, "y": None, "state": "absent", "source": "placed"}),
    ],
    ids=["agreeing", "another state", "absent has no place", "judging an imported place", "absent without a proposal"],
)
def test_a_state_key_says_whose_decision_it_is(js, name, state, keypoint):
    changes = js("document", "return new m.Drawing(argument[0]).marking(argument[1], argument[2])", [TASK, name, state])
    assert changes == {"keypoints": {name: keypoint}}


def test_a_state_without_a_place_waits_for_the_click(js):
    nothing, placed = js(
        "document",
        """const d = new m.Drawing(argument);
        const waiting = d.withIntent("right_ear", "hidden");
        const done = waiting.with(waiting.placing("right_ear", 5, 6));
        return [d.marking("right_ear", "hidden"), [done.point("right_ear"), done.intents]];""",
        TASK,
    )
    assert nothing is None
    assert placed[0]["state"] == "hidden"
    assert placed[1] == {}


def test_a_click_keeps_the_state_that_is_shown(js):
    states = js(
        "document",
        """const d = new m.Drawing(argument);
        return ["left_ear", "left_eye", "right_eye"].map((name) => d.placing(name, 1, 1).keypoints[name].state);""",
        TASK,
    )
    assert states == ["hidden", "visible", "visible"]


def test_enter_confirms_the_wanted_points_and_the_box_and_nothing_else(js):
    missing, changes = js(
        "document",
        """let d = new m.Drawing(argument);
        const missing = d.missing();
        d = d.with(d.placing("right_ear", 80, 40)).with(d.marking("right_eye", "absent"));
        return [missing, d.confirming()];""",
        TASK,
    )
    assert missing == ["right_ear", "right_eye"]
    assert changes == {
        "keypoints": {
            "right_ear": {"x": 80, "y": 40, "state": "visible", "source": "placed"},
            "right_eye": {"x": None, "y": None, "state": "absent", "source": "placed"},
            "left_eye": {"x": 110.5, "y": 45.25, "state": "visible", "source": "confirmed"},
            "left_ear": {"x": 120.5, "y": 47.25, "state": "hidden", "source": "confirmed"},
        },
        "box": {"bbox_xywh": [10, 20, 300, 500], "source": "confirmed", "confirmed": True},
    }


def test_what_was_before_takes_changes_back(js):
    assert js(
        "document",
        """const d = new m.Drawing(argument);
        const changes = d.confirming();
        return m.same(d.with(changes).with(d.before(changes)).pose, d.pose);""",
        TASK,
    )


def test_merging_keeps_what_does_not_clash_and_names_what_does(js):
    point = {"x": 1, "y": 1, "state": "visible", "source": "placed"}
    theirs = {**point, "x": 9}
    merged = js(
        "document",
        "return m.mergeChanges(...argument)",
        [
            {"keypoints": {"left_eye": point, "left_ear": point, "right_eye": point}},
            {"keypoints": {"left_eye": theirs, "left_ear": point | {"x": 5}, "right_eye": theirs}},
            {"keypoints": {"left_eye": theirs, "left_ear": theirs, "right_eye": point}, "box": {}},
        ],
    )
    assert merged == {"changes": {"keypoints": {"left_eye": point}}, "clashes": ["left_ear"]}


def test_a_swap_needs_a_whole_pair_and_done_twice_changes_nothing(js):
    lonely, changes, is_back, twins = js(
        "document",
        """const skeleton = await import("/js/skeleton.js");
        const d = new m.Drawing(argument); const both = d.with(d.placing("right_ear", 80, 40));
        const changes = both.swapping(["left_ear"]); const once = both.with(changes);
        return [d.swapping(["left_ear"]), changes.keypoints,
          m.same(once.with(once.swapping(["right_ear"])).point("right_ear"), both.point("right_ear")),
          ["nose", "left_ear", "right_wrist"].map(skeleton.twinOf)];""",
        TASK,
    )
    assert lonely is None
    assert changes == {
        "left_ear": {"x": 80, "y": 40, "state": "visible", "source": "placed"},
        "right_ear": {"x": 120.5, "y": 47.25, "state": "hidden", "source": "placed"},
    }
    assert is_back
    assert twins == [None, "right_ear", "left_wrist"]


# --- history ----------------------------------------------------------------------------------------------------------

STEP = """
const { Drawing } = await import("/js/document.js");
const drawing = (id) => new Drawing({...argument, annotation: {...argument.annotation, id}});
const nudge = (d, name, x, at) => m.editStep({drawing: d, after: d.placing(name, x, 0), key: name, at, fluid: true});
"""


def test_nudges_within_half_a_second_are_one_step_back(js):
    steps = js(
        "history",
        STEP
        + """const h = new m.History(); const d = drawing(7);
        h.push(nudge(d, "left_eye", 1, 0)); h.push(nudge(d, "left_eye", 2, 400)); h.push(nudge(d, "left_eye", 3, 1000));
        h.push(nudge(d, "left_ear", 4, 1100));
        const seen = []; for (let step; (step = h.undo());) seen.push([step.key, step.after.keypoints[step.key].x]);
        return seen;""",
        TASK,
    )
    assert steps == [["left_ear", 4], ["left_eye", 3], ["left_eye", 2]]


def test_a_sealed_step_takes_no_more(js):
    count = js(
        "history",
        STEP
        + """const h = new m.History(); const d = drawing(7);
        h.push(nudge(d, "left_eye", 1, 0)); h.seal(); h.push(nudge(d, "left_eye", 2, 10));
        let count = 0; while (h.undo()) count += 1; return count;""",
        TASK,
    )
    assert count == 2


def test_undo_walks_back_over_confirmations_into_earlier_drawings_and_redo_forward_again(js):
    back, forth, ends = js(
        "history",
        STEP
        + """const h = new m.History();
        h.push(nudge(drawing(7), "left_eye", 1, 0));
        h.push(m.closingStep({kind: "confirm", drawing: drawing(7), after: drawing(7).confirming()}));
        h.push(m.closingStep({kind: "skip", drawing: drawing(8)}));
        const walk = (way) => {
          const seen = []; for (let s; (s = h[way]());) seen.push([s.annotationId, s.kind]); return seen;
        };
        return [walk("undo"), walk("redo"), [h.canUndo, h.canRedo]];""",
        TASK,
    )
    assert back == [[8, "skip"], [7, "confirm"], [7, "edit"]]
    assert forth == back[::-1]
    assert ends == [True, False]


def test_a_new_step_forgets_what_was_undone(js):
    assert not js(
        "history",
        STEP
        + """const h = new m.History(); const d = drawing(7);
        h.push(nudge(d, "left_eye", 1, 0)); h.undo(); h.push(nudge(d, "left_ear", 1, 0)); return h.canRedo;""",
        TASK,
    )


def test_steps_on_points_that_others_changed_are_forgotten(js):
    left = js(
        "history",
        STEP
        + """const h = new m.History();
        h.push(nudge(drawing(7), "left_eye", 1, 0)); h.push(nudge(drawing(7), "left_ear", 1, 0));
        h.push(nudge(drawing(8), "left_eye", 1, 0)); h.forget(7, ["left_eye"]);
        const seen = []; for (let s; (s = h.undo());) seen.push([s.annotationId, s.key]); return seen;""",
        TASK,
    )
    assert left == [[8, "left_eye"], [7, "left_ear"]]


# --- outbox -----------------------------------------------------------------------------------------------------------

OUTBOX = """
const api = await import("/js/api.js");
const sent = [], events = [], written = [];
let answer = () => ({status: 200, json: {ok: true, version: 0}});
const timers = {waiting: [], set(fn) { this.waiting.push(fn); return this.waiting.length; }, clear() {}};
const box = new m.Outbox({
  send: async (method, path, body) => {
    sent.push({method, path, ...structuredClone(body)});
    return answer(body, sent.length);
  },
  journal: {write: (entries) => { written.push(entries.map((e) => e.changeId)); return true; }}, timers,
});
for (const name of ["saved", "conflict", "refused", "dropped", "stranger"])
  box.addEventListener(name, ({detail}) => events.push([name, detail.entry.changeId, detail.clashes ?? null]));
const settle = async () => { for (let i = 0; i < 50; i += 1) await null; };
const point = (x) => ({x, y: 0, state: "visible", source: "placed"});
const change = (id, x, before = 0, more = {}) => api.changeEntry(argument, id,
  {changes: {keypoints: {left_eye: point(x)}}, before: {keypoints: {left_eye: point(before)}}, ...more});
box.opened(7, 3);
"""


def test_changes_go_out_one_at_a_time_each_on_the_version_before(js):
    sent, events, written, state = js(
        "outbox",
        OUTBOX
        + """answer = (body) => ({status: 200, json: {ok: true, version: body.base_version + 1}});
        for (const [id, x] of [["a", 1], ["b", 2], ["c", 3]]) box.add(change(id, x));
        await settle();
        return [sent, events, written.at(-1), box.state];""",
        TASK,
    )
    assert [(body["change_id"], body["base_version"]) for body in sent] == [("a", 3), ("b", 4), ("c", 5)]
    assert [(name, change) for name, change, _ in events] == [("saved", "a"), ("saved", "b"), ("saved", "c")]
    assert written == []
    assert state["state"] == "saved"


def test_while_the_server_is_away_the_same_change_id_is_tried_again(js):
    sent, states = js(
        "outbox",
        OUTBOX
        + """const states = [];
        answer = (body, count) => {
          if (count === 1) throw new Error("nobody there");
          if (count === 2) return {status: 503, json: {ok: false, error: "busy"}};
          return {status: 200, json: {ok: true, version: 4, repeated: true}};
        };
        box.add(change("a", 1)); box.add(change("b", 2)); await settle();
        for (let tries = 0; tries < 2; tries += 1) {
          states.push([box.state.state, box.state.count]); timers.waiting.pop()(); await settle();
        }
        states.push([box.state.state, box.state.count]);
        return [sent.map((body) => [body.change_id, body.base_version]), states];""",
        TASK,
    )
    assert sent == [["a", 3], ["a", 3], ["a", 3], ["b", 4]]
    assert states == [["offline", 2], ["offline", 2], ["saved", 0]]


def test_a_stale_change_that_does_not_clash_is_sent_again_on_the_new_version(js):
    sent, events = js(
        "outbox",
        OUTBOX
        + """answer = (body) => body.base_version === 3
          ? {status: 409, json: {version: 9, annotation: {keypoints: {left_eye: point(0)}, box: {}}}}
          : {status: 200, json: {ok: true, version: 10}};
        box.add(change("a", 1)); await settle();
        return [sent.map((body) => [body.change_id, body.base_version]), events];""",
        TASK,
    )
    assert sent == [["a", 3], ["a", 9]]
    assert events == [["conflict", "a", []], ["saved", "a", None]]


def test_a_stale_change_that_clashes_stays_theirs(js):
    sent, events, count = js(
        "outbox",
        OUTBOX
        + """answer = () => ({status: 409, json: {version: 9, annotation: {keypoints: {left_eye: point(5)}, box: {}}}});
        box.add(change("a", 1)); await settle();
        return [sent.length, events, box.count];""",
        TASK,
    )
    assert (sent, events, count) == (1, [["conflict", "a", ["left_eye"]]], 0)


def test_a_refused_change_is_reported_and_what_takes_it_back_is_dropped(js):
    sent, events = js(
        "outbox",
        OUTBOX
        + """const no = {status: 400, json: {error: "no"}}, yes = {status: 200, json: {version: 4}};
        answer = (body) => body.change_id === "a" ? no : yes;
        box.add(change("a", 1)); box.add(change("b", 0, 1, {undoes: "a"})); box.add(change("c", 2)); await settle();
        return [sent.map((body) => body.change_id), events.map(([name, id]) => [name, id])];""",
        TASK,
    )
    assert sent == ["a", "c"]
    assert events == [["refused", "a"], ["dropped", "b"], ["saved", "c"]]


def test_answers_that_come_while_the_page_goes_away_are_heard_later(js):
    states = js(
        "outbox",
        OUTBOX
        + """const states = []; answer = () => ({status: 200, json: {ok: true, version: 4}});
        box.hold(1000); box.add(change("a", 1)); await settle(); states.push([sent.length, box.count]);
        timers.waiting.pop()(); await settle(); return [...states, [sent.length, box.count]];""",
        TASK,
    )
    assert states == [[1, 1], [1, 0]]


def test_taken_over_changes_go_first_and_only_into_their_own_project(js):
    sent, events = js(
        "outbox",
        """const api = await import("/js/api.js"); const sent = [], events = [];
        const yes = {status: 200, json: {version: 4}};
        const send = async (method, path, body) => { sent.push(body.change_id); return yes; };
        const verify = async (entry) => entry.changeId !== "old-b";
        const box = new m.Outbox({send, verify, journal: {write: () => true}});
        box.addEventListener("stranger", ({detail}) => events.push(detail.entry.changeId));
        const change = (id) => api.changeEntry(argument, id, {changes: {}, before: {}});
        box.adopt([change("old-a"), change("old-b")]); box.add(change("new"));
        for (let i = 0; i < 50; i += 1) await null;
        return [sent, events];""",
        TASK,
    )
    assert sent == ["old-a", "new"]
    assert events == ["old-b"]


# --- journal ----------------------------------------------------------------------------------------------------------


def test_what_a_page_left_behind_is_taken_over_once(js):
    adopted, again, live = js(
        "journal",
        """const open = (pageId) => new m.Journal({storage: localStorage, pageId});
        const first = open("one"); first.write([{changeId: "a"}, {changeId: "b"}]); first.leave();
        const alive = open("two"); alive.write([{changeId: "c"}]);
        const next = open("three");
        const kept = (pageId) => JSON.parse(localStorage.getItem(`curator.outbox.${pageId}`)).entries;
        return [next.adoptLeft(), open("four").adoptLeft(), kept("two")];""",
    )
    assert [entry["changeId"] for entry in adopted] == ["a", "b"]
    assert again == []
    assert [entry["changeId"] for entry in live] == ["c"]


def test_what_a_crashed_page_kept_is_taken_over_but_not_from_a_living_one(js):
    adopted = js(
        "journal",
        """const open = (pageId, locks) => new m.Journal({storage: localStorage, locks, pageId});
        open("crashed", null).write([{changeId: "a"}]);
        open("alive", navigator.locks).write([{changeId: "b"}]);
        await new Promise((resolve) => setTimeout(resolve, 50));
        return (await open("next", navigator.locks).adoptAbandoned()).map((entry) => entry.changeId);""",
    )
    assert adopted == ["a"]


def test_a_browser_that_keeps_nothing_is_said_so(js):
    assert not js(
        "journal",
        """const full = {length: 0, key: () => null, getItem: () => null, removeItem() {},
          setItem() { throw new Error("full"); }};
        return new m.Journal({storage: full, pageId: "p"}).write([{changeId: "a"}]);""",
    )


# --- feed, pictures, activity -----------------------------------------------------------------------------------------

FEED = """
const task = (id) => ({position: id, annotation: {id}, image: {url: `/media/${id}`}});
const reads = [], over = new Set(), all = argument.map(task);
const pictures = {asked: [], get(url) { this.asked.push(url); return Promise.resolve(); }};
const read = async ({after, limit}) => {
  reads.push(after);
  return {queue: {}, tasks: all.filter((t) => t.position > after).slice(0, limit)};
};
const isOver = (t) => over.has(t.annotation.id);
const feed = (more = {}) => new m.Feed({pictures, isOver, read, wait: async () => {}, size: 3, ...more});
const ids = async (f) => {
  const seen = [];
  for (let t; (t = await f.next());) { seen.push(t.annotation.id); over.add(t.annotation.id); }
  return seen;
};
"""


def test_every_task_comes_once_in_order_with_its_picture_asked_for_ahead(js):
    seen, ahead = js(
        "prefetch",
        FEED
        + """const f = feed(); f.start({tasks: all.slice(0, 2)});
        await f.next(); await new Promise((resolve) => setTimeout(resolve, 5)); over.add(1);
        const ahead = [...pictures.asked];
        return [[1, ...(await ids(f))], ahead];""",
        [1, 2, 3, 5, 8, 9, 12],
    )
    assert seen == [1, 2, 3, 5, 8, 9, 12]
    assert set(ahead) >= {"/media/2", "/media/3", "/media/5"}


def test_opened_in_the_middle_what_lies_before_comes_at_the_end(js):
    middle = "const f = feed({fromStart: false}); f.start({tasks: all.slice(2, 4)}); return ids(f);"
    seen = js("prefetch", FEED + middle, [1, 2, 3, 5, 8])
    assert seen == [3, 5, 8, 1, 2]


def test_a_task_put_back_comes_next_and_a_finished_one_not_at_all(js):
    seen = js(
        "prefetch",
        FEED
        + """const f = feed(); f.start({tasks: all});
        const first = await f.next(); over.add(2); f.putBack(first); return ids(f);""",
        [1, 2, 3],
    )
    assert seen == [1, 3]


def test_reading_goes_on_when_the_server_is_back(js):
    seen, troubles = js(
        "prefetch",
        FEED
        + """let failures = 0, troubles = 0;
        const f = feed({read: async ({after}) => { if (failures++ < 3) throw new Error("away");
          return {queue: {}, tasks: all.filter((t) => t.position > after)}; }});
        f.addEventListener("trouble", () => { troubles += 1; });
        f.start({tasks: []}); return [await ids(f), troubles];""",
        [1, 2],
    )
    assert (seen, troubles) == ([1, 2], 3)


def test_pictures_are_held_within_their_budget_and_failures_are_tried_again(js):
    decoded, failed = js(
        "prefetch",
        """const decoded = []; let isDown = true;
        const pictures = new m.Pictures({budget: 250, decode: async (url) => {
          decoded.push(url); if (url === "bad" && isDown) throw new Error("down"); return {width: 10, height: 10}; }});
        for (const url of ["a", "b", "a", "c", "a", "b"]) await pictures.get(url);
        const failed = [];
        for (const _ of [1, 2]) { await pictures.get("bad").catch(() => failed.push("bad")); isDown = false; }
        return [decoded, failed];""",
    )
    assert decoded[:4] == ["a", "b", "c", "b"]
    assert failed == ["bad"]
    assert decoded[4:] == ["bad", "bad"]


def test_only_active_visible_time_counts(js):
    assert (
        js(
            "activity",
            """let now = 0; const activity = new m.Activity(() => now);
            const at = (time, act = () => activity.touch()) => { now = time; act(); };
            activity.begin(); at(4000); at(9000); at(60000);            // 9 s, then a pause
            at(61000); at(62000, () => activity.setVisible(false));     // 2 s more
            at(70000); at(71000, () => activity.setVisible(true)); at(72000);
            return activity.milliseconds;""",
        )
        == 12000
    )


# --- trail ------------------------------------------------------------------------------------------------------------


def test_a_trail_is_walked_both_ways_and_every_drawing_stands_on_it_once(js):
    seen = js(
        "trail",
        """const t = new m.Trail(); for (const id of [3, 5, 8]) t.visit(id); const seen = [[t.before(), t.after()]];
        t.visit(5); seen.push([t.before(), t.after(), t.first((id) => id > 3), t.after((id) => id > 8)]);
        t.leave(); seen.push([t.before(), t.after()]); return seen;""",
    )
    assert seen == [[5, None], [3, 8, 5, None], [8, None]]


# --- keys -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "key"),
    [
        ({"key": "z", "code": "KeyZ", "ctrlKey": True}, "Ctrl+z"),
        ({"key": "Z", "code": "KeyZ", "ctrlKey": True, "shiftKey": True}, "Ctrl+Shift+z"),
        ({"key": "z", "code": "KeyZ", "metaKey": True}, "Ctrl+z"),
        ({"key": "?", "code": "Slash", "shiftKey": True}, "?"),
        ({"key": "à", "code": "Digit0"}, "0"),
        ({"key": "2", "code": "Numpad2"}, "2"),
        ({"key": "!", "code": "Digit1", "shiftKey": True}, "!"),
        ({"key": "с", "code": "KeyC"}, "c"),
        ({"key": "y", "code": "KeyZ"}, "y"),
        ({"key": "Tab", "code": "Tab", "shiftKey": True}, "Shift+Tab"),
        ({"key": " ", "code": "Space"}, "Space"),
        ({"key": "ArrowLeft", "code": "ArrowLeft", "shiftKey": True}, "Shift+ArrowLeft"),
    ],
    ids=[
        "undo", "redo", "mac", "question mark", "azerty digit", "keypad", "shifted digit", "cyrillic", "qwertz", "tab",
        "space", "arrow",
    ],
)  # fmt: skip
def test_keys_are_read_as_they_are_printed(js, event, key):
    assert js("shortcuts", "return m.keyOf(argument)", event) == key


@pytest.mark.parametrize(
    ("event", "command"),
    [
        ({"key": '"', "code": "Digit2", "shiftKey": True}, "allVisible"),
        ({"key": "2", "code": "Digit2", "shiftKey": True}, "allVisible"),
        ({"key": "=", "code": "Digit0", "shiftKey": True}, "allAbsent"),
        ({"key": "=", "code": "Equal"}, "zoomIn"),
        ({"key": "?", "code": "Digit7", "shiftKey": True}, "help"),
        ({"key": "é", "code": "Digit2"}, "visible"),
        ({"key": "@", "code": "Digit2", "shiftKey": True, "ctrlKey": True}, None),
    ],
    ids=["german", "azerty", "german zero", "equals", "russian question mark", "azerty unshifted", "with Ctrl"],
)
def test_shift_and_a_digit_are_read_by_place(js, event, command):
    assert js("shortcuts", "return m.shortcutFor(argument)?.command ?? null", event) == command


def test_no_key_is_given_twice_and_every_key_is_in_the_table(js):
    keys, rows, shortcuts = js(
        "shortcuts",
        """const keys = m.SHORTCUTS.filter((s) => s.command).flatMap((s) => s.keys);
        return [keys, m.keyTable().querySelectorAll(".key-row").length, m.SHORTCUTS.length];""",
    )
    assert len(keys) == len(set(keys))
    assert rows == shortcuts
