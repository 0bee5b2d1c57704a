"""People at the editor, in a real Chromium against a real server; what they did is read from the store."""

import json
import os
import re
import time
from pathlib import Path

import pytest

WANTED = ("right_ear", "right_eye", "left_eye", "left_ear")
PICTURES = Path(__file__).resolve().parents[2] / "docs" / "pictures"
ONE_TASK = re.compile(r"/api/queues/face/tasks/\d+$")
LOCKED = ("nose", "left_shoulder", "right_shoulder", "left_wrist", "right_ankle")


def place_of(keypoint):
    return (keypoint["x"], keypoint["y"])


# --- labelling --------------------------------------------------------------------------------------------------------


def test_ten_right_proposals_cost_ten_enters(workplace, person):
    before = [workplace.store.annotation(number) for number in range(1, 11)]
    person.opens()

    shown = []
    for _ in range(10):
        shown.append({name: person.sees(name) for name in WANTED})
        person.confirms()
    person.waits_until_saved()

    assert person.actions == 10
    assert person.drawing == 11
    for old, seen in zip(before, shown, strict=True):
        new = workplace.store.annotation(old["id"])
        for name in WANTED:
            assert new["keypoints"][name] == {
                "x": seen[name]["x"], "y": seen[name]["y"], "state": seen[name]["state"], "source": "confirmed",
            }  # fmt: skip
        assert {name: new["keypoints"][name] for name in LOCKED} == {name: old["keypoints"][name] for name in LOCKED}
        assert new["box"]["confirmed"]
        assert new["box"]["bbox_xywh"] is not None
    assert workplace.store.actions() == ["confirm"] * 10
    assert workplace.store.queue() | {"size": 2, "done": 10} == workplace.store.queue()


def test_a_confirmation_keeps_what_was_shown_how_long_it_took_and_how_far_points_moved(workplace, person):
    person.opens()
    eye = person.sees("left_eye")
    person.drags(place_of(eye), (eye["x"] + 3, eye["y"] + 4))
    person.page.wait_for_timeout(300)
    person.confirms()
    person.waits_until_saved()

    [(shown, moved, active_ms)] = workplace.store.rows("SELECT shown, moved, active_ms FROM confirmations")
    assert place_of(json.loads(shown)["keypoints"]["left_eye"]) == place_of(eye)
    assert json.loads(moved)["left_eye"] == pytest.approx(5, abs=0.5)
    assert json.loads(moved)["right_eye"] == 0
    assert 300 <= active_ms < 60_000


def test_a_wrong_place_costs_one_drag_more(workplace, person):
    person.opens()
    ear = person.sees("left_ear")
    person.drags(place_of(ear), (ear["x"] + 10.5, ear["y"] - 7))
    number = person.confirms()
    person.waits_until_saved()

    assert person.actions == 2
    kept = workplace.store.keypoint(number, "left_ear")
    assert place_of(kept) == pytest.approx((ear["x"] + 10.5, ear["y"] - 7), abs=0.5)
    assert (kept["state"], kept["source"]) == (ear["state"], "placed")
    assert workplace.store.keypoint(number, "right_ear")["source"] == "confirmed"


@pytest.mark.parametrize(
    ("name", "keys"),
    [("right_ear", ["0"]), ("right_eye", ["Tab", "0"]), ("left_ear", ["Shift+Tab", "0"])],
)
def test_a_wrong_state_costs_at_most_two_keys_more(workplace, person, name, keys):
    person.opens()
    person.presses(*keys)
    number = person.confirms()
    person.waits_until_saved()

    assert person.actions <= 3
    assert workplace.store.keypoint(number, name) == {"x": None, "y": None, "state": "absent", "source": "placed"}


def test_clicks_place_the_points_in_order_and_move_on(workplace, person):
    person.opens()
    number = person.drawing
    middle = person.sees("nose")
    places = {name: (middle["x"] + dx, middle["y"] - 5) for name, dx in zip(WANTED, (-20, -10, 10, 20), strict=True)}

    asked = []
    for name in WANTED:
        asked.append(person.active)
        person.clicks(*places[name])
    person.clicks(middle["x"], middle["y"] - 30)  # one too many does no harm
    person.confirms()
    person.waits_until_saved()

    assert asked == list(WANTED)
    for name in WANTED:
        kept = workplace.store.keypoint(number, name)
        assert place_of(kept) == pytest.approx(places[name], abs=0.5)
        assert kept["source"] == "placed"


def test_a_point_is_moved_by_the_keyboard_alone_as_one_change(workplace, person):
    person.opens()
    number = person.drawing
    person.presses("Tab", "Tab")
    eye = person.sees("left_eye")
    person.presses("ArrowLeft", "ArrowLeft", "ArrowDown", "Shift+ArrowRight")
    person.confirms()
    person.waits_until_saved()

    kept = workplace.store.keypoint(number, "left_eye")
    assert place_of(kept) == pytest.approx((eye["x"] + 8, eye["y"] + 1), abs=0.011)
    assert kept["source"] == "placed"
    assert workplace.store.actions() == ["change", "confirm"]


def test_states_are_set_by_keys_and_the_active_point_moves_on(workplace, person):
    person.opens()
    number = person.drawing
    person.presses("1", "2", "0")
    assert person.active == "left_ear"
    person.presses("1", "Enter")
    person.waits_for_drawing(other_than=number)
    person.waits_until_saved()

    states = {name: workplace.store.keypoint(number, name)["state"] for name in WANTED}
    assert states == {"right_ear": "hidden", "right_eye": "visible", "left_eye": "absent", "left_ear": "hidden"}


def test_a_state_can_be_chosen_with_the_mouse_in_the_panel(workplace, person):
    person.opens()
    number = person.drawing
    person.page.click("[data-point=left_eye] [data-state=hidden]")
    assert person.page.evaluate("document.activeElement.id") == "drawing"
    person.waits_until_saved()
    assert workplace.store.keypoint(number, "left_eye")["state"] == "hidden"


def test_enter_names_a_point_that_has_neither_proposal_nor_place(workplace, person):
    def without_left_eye(route):
        answer = route.fetch()
        inside = r'(?<=id="task-page" data-skipped="false">)(.*?)(?=</script>)'
        opening, data, closing = re.split(inside, answer.text(), flags=re.S)
        page = json.loads(data)
        del page["tasks"][0]["prediction"]["keypoints"]["left_eye"]
        route.fulfill(response=answer, body=opening + json.dumps(page) + closing)

    person.page.route("**/label/face", without_left_eye)
    person.opens()
    number = person.drawing
    person.presses("Enter")

    assert person.drawing == number
    assert person.active == "left_eye"
    assert "left eye" in person.message
    assert workplace.store.actions() == []
    person.presses("1")  # a state before there is a place
    nose = person.sees("nose")
    person.clicks(nose["x"] + 8, nose["y"] - 6)
    person.confirms()
    person.waits_until_saved()
    assert workplace.store.keypoint(number, "left_eye")["state"] == "hidden"


def test_the_box_is_adjusted_by_drag_and_by_keys_and_confirmed_with_the_points(workplace, person):
    person.opens()
    number = person.drawing
    x, y, width, height = person.page.evaluate("window.editor.session.drawing.box().bbox_xywh")
    person.presses("b")
    person.drags((x + width, y + height / 2), (x + width + 20, y + height / 2))
    person.waits_until_saved()
    assert workplace.store.annotation(number)["box"]["source"] == "placed"
    assert not workplace.store.annotation(number)["box"]["confirmed"]
    person.presses("b", "b", "Tab", "ArrowLeft")  # whole box, then its left edge
    person.confirms()
    person.waits_until_saved()

    box = workplace.store.annotation(number)["box"]
    assert box["bbox_xywh"] == pytest.approx([x - 1, y, width + 21, height], abs=1)
    assert (box["source"], box["confirmed"]) == ("placed", True)


# --- more keys --------------------------------------------------------------------------------------------------------


def test_alt_and_arrows_move_by_a_quarter_of_a_pixel(workplace, person):
    person.opens()
    number = person.drawing
    ear = person.sees("right_ear")
    person.presses("Alt+ArrowLeft", "Alt+ArrowLeft", "Alt+ArrowLeft", "Alt+ArrowDown")
    person.confirms()
    person.waits_until_saved()
    kept = place_of(workplace.store.keypoint(number, "right_ear"))
    assert kept == pytest.approx((ear["x"] - 0.75, ear["y"] + 0.25), abs=0.011)


def test_q_and_o_are_hidden_and_absent_too(workplace, person):
    person.opens()
    number = person.drawing
    person.presses("q", "o")
    person.waits_until_saved()
    assert workplace.store.keypoint(number, "right_ear")["state"] == "hidden"
    assert workplace.store.keypoint(number, "right_eye")["state"] == "absent"


def test_x_swaps_the_active_pair_as_one_change_that_undo_takes_back(workplace, person):
    person.opens()
    number = person.drawing
    person.presses("1")  # the right ear is a person's now, the left one still the machine's
    person.presses("Shift+Tab")
    person.waits_until_saved()
    right, left = person.sees("right_ear"), person.sees("left_ear")
    person.presses("x")
    person.waits_until_saved()

    assert workplace.store.actions() == ["change", "change"]
    kept = {name: workplace.store.keypoint(number, name) for name in ("right_ear", "left_ear")}
    assert kept["left_ear"] == {"x": right["x"], "y": right["y"], "state": "hidden", "source": right["source"]}
    assert kept["right_ear"] == {"x": left["x"], "y": left["y"], "state": left["state"], "source": "placed"}
    assert person.sees("right_ear")["by"] == "person"

    person.presses("Control+z")
    person.waits_until_saved()
    assert place_of(workplace.store.keypoint(number, "right_ear")) == place_of(right)
    assert workplace.store.keypoint(number, "left_ear")["state"] == "undecided"


def test_shift_x_swaps_the_whole_face_and_enter_confirms_it(workplace, person):
    person.opens()
    number = person.drawing
    before = {name: person.sees(name) for name in WANTED}
    person.presses("Shift+x")
    person.waits_until_saved()
    assert workplace.store.actions() == ["change"]
    person.confirms()
    person.waits_until_saved()
    for name, twin in zip(WANTED, reversed(WANTED), strict=True):
        kept = workplace.store.keypoint(number, name)
        assert (*place_of(kept), kept["state"]) == (*place_of(before[twin]), before[twin]["state"])
        assert kept["source"] == "placed"


@pytest.mark.parametrize(("key", "state"), [("Digit2", "visible"), ("Digit1", "hidden"), ("Digit0", "absent")])
def test_shift_and_a_digit_set_the_whole_face_as_one_change(workplace, person, key, state):
    person.opens()
    number = person.drawing
    person.presses(f"Shift+{key}")
    person.waits_until_saved()
    assert {workplace.store.keypoint(number, name)["state"] for name in WANTED} == {state}
    assert workplace.store.actions() == ["change"]
    person.presses("Control+z")
    person.waits_until_saved()
    assert {workplace.store.keypoint(number, name)["state"] for name in WANTED} == {"undecided"}


def test_while_h_is_held_nothing_is_drawn_over_the_picture(workplace, person):
    marks = """() => { const from = document.querySelector("#drawing");
      const copy = new OffscreenCanvas(from.width, from.height).getContext("2d");
      copy.drawImage(from, 0, 0);
      return copy.getImageData(0, 0, from.width, from.height).data.some((value) => value > 0); }"""
    person.opens()
    assert person.page.evaluate(marks)
    person.page.keyboard.down("h")
    person.page.wait_for_function(f"() => !({marks})()")
    person.page.keyboard.up("h")
    person.page.wait_for_function(marks)
    assert workplace.store.actions() == []


def test_d_and_a_walk_through_drawings_and_write_nothing(workplace, person):
    person.opens()
    seen = [person.drawing]
    for key in ("d", "Control+ArrowRight", "a", "Control+ArrowLeft", "d"):
        person.presses(key)
        person.waits_for_drawing(other_than=seen[-1])
        seen.append(person.drawing)
    assert seen == [1, 2, 3, 2, 1, 2]
    assert workplace.store.actions() == []
    assert workplace.store.queue()["done"] == 0


def test_a_confirmed_drawing_can_be_gone_back_to_corrected_and_confirmed_again(workplace, person):
    person.opens()
    person.confirms()
    person.presses("a")
    person.waits_for_drawing(other_than=2)
    person.presses("Tab", "0")
    person.confirms()
    person.waits_until_saved()
    assert person.drawing == 2
    assert workplace.store.queue()["done"] == 1
    assert "1 of 12 done" in person.page.inner_text("[data-counts]")
    person.presses("Control+z")  # only the second confirmation
    person.waits_for_drawing(other_than=2)
    person.waits_until_saved()
    assert "1 of 12 done" in person.page.inner_text("[data-counts]")


def test_what_was_passed_by_comes_again_at_the_end(workplace, person):
    person.opens("/label/face?at=11")
    person.presses("d")
    person.waits_for_drawing(other_than=11)
    for _ in range(12):
        person.confirms()
    person.waits_until_saved()
    assert person.page.get_attribute(".stage", "data-stage") == "finished"
    assert workplace.store.queue()["done"] == 12


def fresh_proposals(person, *, by):
    """The server proposes every point `by` pixels further right, when asked for one drawing again."""

    def answer(route):
        given = route.fetch()
        task = given.json()
        for keypoint in task["prediction"]["keypoints"].values():
            keypoint["x"] += by
        route.fulfill(response=given, json=task)

    person.page.route(ONE_TASK, answer)
    return answer


def test_i_replaces_only_what_is_still_the_machines_and_writes_nothing(workplace, person):
    person.opens()
    before = {name: person.sees(name) for name in WANTED}
    person.presses("1")  # the right ear is a person's
    person.waits_until_saved()
    fresh_proposals(person, by=7)
    person.presses("i")
    person.page.wait_for_selector("[data-toast]:has-text('Proposed anew')")
    assert person.sees("right_ear")["x"] == before["right_ear"]["x"]
    for name in WANTED[1:]:
        assert person.sees(name)["x"] == pytest.approx(before[name]["x"] + 7)
    assert workplace.store.actions() == ["change"]
    number = person.confirms()
    person.waits_until_saved()
    assert workplace.store.keypoint(number, "left_eye")["x"] == pytest.approx(before["left_eye"]["x"] + 7)


def test_fresh_proposals_never_move_a_point_that_is_being_dragged(workplace, person):
    person.opens()
    number = person.drawing
    eye, ear = person.sees("left_eye"), person.sees("left_ear")
    x, y = person.on_page(eye["x"], eye["y"])
    answer = fresh_proposals(person, by=9)
    waiting = []
    person.page.route(ONE_TASK, lambda route: waiting.append(route))
    with person.page.expect_request(ONE_TASK):
        person.presses("i")
    person.page.mouse.move(x, y)
    person.page.mouse.down()  # taken, not moved yet: the reply finds it so
    with person.page.expect_response(ONE_TASK):
        answer(waiting.pop())
    person.page.wait_for_timeout(200)
    assert place_of(person.sees("left_eye")) == place_of(eye)
    person.page.mouse.move(x + 30, y)
    person.page.mouse.move(x + 40, y)
    person.page.mouse.up()
    person.waits_until_saved()

    scale = person.page.evaluate("window.editor.canvas.view.scale")
    kept = place_of(workplace.store.keypoint(number, "left_eye"))
    assert kept == pytest.approx((eye["x"] + 40 / scale, eye["y"]), abs=0.5)
    person.page.wait_for_selector("[data-toast]:has-text('Proposed anew')")
    assert person.sees("left_ear")["x"] == pytest.approx(ear["x"] + 9)
    assert workplace.store.actions() == ["change"]


# --- undo, redo, skip, remove -----------------------------------------------------------------------------------------


def test_undo_and_redo_go_back_and_forth_across_drawings(workplace, person):
    person.opens()
    first = person.drawing
    untouched = workplace.store.annotation(first)
    eye = person.sees("left_eye")
    person.drags(place_of(eye), (eye["x"] + 6, eye["y"]))
    person.confirms()
    second = person.confirms()
    third = person.drawing

    person.presses("Control+z")
    person.waits_for_drawing(other_than=third)
    assert person.drawing == second
    person.presses("Control+z", "Control+z")
    person.waits_until_saved()
    assert person.drawing == first
    assert workplace.store.annotation(first) == untouched | {"version": workplace.store.annotation(first)["version"]}
    assert workplace.store.keypoint(second, "left_eye")["state"] == "undecided"
    assert workplace.store.queue()["done"] == 0

    person.presses("Control+Shift+z", "Control+Shift+z", "Control+Shift+z")
    person.waits_until_saved()
    assert person.drawing == third
    assert workplace.store.keypoint(first, "left_eye")["x"] == pytest.approx(eye["x"] + 6, abs=0.5)
    assert workplace.store.keypoint(second, "left_eye")["source"] == "confirmed"
    assert workplace.store.queue()["done"] == 2
    undone = workplace.store.rows("SELECT count(*) FROM revisions a JOIN revisions b ON b.change_id = a.undoes")
    assert undone == [(3,)]


def test_an_image_is_removed_with_a_reason_and_comes_back_by_undo(workplace, person):
    person.opens()
    first = person.drawing
    person.presses("r", "4")
    person.waits_for_drawing(other_than=first)
    person.waits_until_saved()
    [removed] = workplace.store.get("/api/removed")["removed"]
    assert removed["reason"] == "duplicate"
    assert workplace.store.queue()["size"] == 11
    assert workplace.store.annotation(person.drawing)["version"] == 1  # the key went to the dialog alone

    person.presses("Control+z")
    person.waits_for_drawing(other_than=first + 1)
    person.waits_until_saved()
    assert person.drawing == first
    assert workplace.store.get("/api/removed")["removed"] == []
    assert workplace.store.queue()["size"] == 12


def test_a_removed_image_is_restored_on_its_page(workplace, person):
    person.opens().presses("r", "1")
    person.waits_until_saved()
    person.opens("/removed", ready=False)
    person.page.get_by_role("button", name="Restore").click()
    person.page.wait_for_timeout(300)
    assert workplace.store.get("/api/removed")["removed"] == []


def test_a_skipped_drawing_is_found_again_among_the_skipped_ones(workplace, person):
    person.opens()
    first = person.drawing
    person.presses("s", "2")
    person.waits_for_drawing(other_than=first)
    person.presses("s", "4")
    person.page.keyboard.type("her hat hides all")
    person.presses("Enter")
    person.waits_for_drawing(other_than=first + 1)
    person.waits_until_saved()
    assert workplace.store.queue()["skipped"] == 2
    reasons = workplace.store.rows("SELECT reason FROM skips ORDER BY annotation_id")
    assert reasons == [("hard to see",), ("her hat hides all",)]
    assert workplace.store.keypoint(first, "left_eye")["state"] == "undecided"

    person.opens("/label/face?skipped=1")
    assert person.drawing == first
    person.confirms()
    person.confirms()
    person.waits_until_saved()
    assert person.page.get_attribute(".stage", "data-stage") == "finished"
    assert workplace.store.queue() | {"skipped": 0, "done": 2} == workplace.store.queue()


def test_the_end_of_the_queue_is_friendly_and_can_be_left_backwards(workplace, person):
    person.opens("/label/face?at=11")
    person.confirms()
    person.confirms()
    for _ in range(10):  # opened in the middle: what lies before comes at the end
        person.confirms()
    person.waits_until_saved()
    assert person.page.get_attribute(".stage", "data-stage") == "finished"
    words = person.page.inner_text("[data-cover=finished]")
    assert "12 drawings done" in words
    assert "curator import images" in words  # one waits for its picture
    assert person.page.is_visible("[data-finished-export]")

    person.presses("Control+z")
    person.waits_for_drawing()
    person.waits_until_saved()
    assert workplace.store.queue()["done"] == 11


# --- nothing is lost --------------------------------------------------------------------------------------------------


def test_a_reload_in_the_middle_loses_nothing(workplace, person):
    person.opens()
    first = person.confirms()
    second = person.drawing
    eye = person.sees("right_eye")
    person.presses("Tab", "ArrowRight", "ArrowRight")
    person.page.reload()  # at once: the nudges are not even on their way
    person.waits_for_drawing()
    person.waits_until_saved()

    assert person.drawing == second
    assert person.sees("right_eye")["x"] == pytest.approx(eye["x"] + 2, abs=0.011)
    assert workplace.store.keypoint(second, "right_eye")["x"] == pytest.approx(eye["x"] + 2, abs=0.011)
    assert workplace.store.keypoint(first, "right_eye")["source"] == "confirmed"


def test_labelling_goes_on_while_the_server_is_killed_and_restarted(workplace, person):
    person.opens()
    confirmed = [person.confirms()]
    person.page.wait_for_load_state("networkidle")  # the next three are here
    workplace.server.kill()
    eye = person.sees("left_eye")
    person.drags(place_of(eye), (eye["x"] + 5, eye["y"]))
    confirmed += [person.confirms(), person.confirms(), person.confirms()]
    person.waits_until_offline()
    assert "kept, retrying" in person.save_words

    workplace.restart()
    person.waits_until_saved()
    for number in confirmed:
        assert workplace.store.keypoint(number, "left_eye")["state"] != "undecided"
    assert workplace.store.keypoint(confirmed[1], "left_eye")["x"] == pytest.approx(eye["x"] + 5, abs=0.5)
    assert workplace.store.actions().count("confirm") == 4
    person.confirms()
    person.waits_until_saved()
    person.complaints = [text for text in person.complaints if "ERR_CONNECTION" not in text]


def test_a_window_closed_while_the_server_is_away_hands_its_changes_to_the_next(workplace, person):
    person.opens()
    workplace.server.kill()
    lost = [person.confirms(), person.confirms()]
    person.waits_until_offline()
    person.page.close()

    workplace.restart()
    person.page = person.context.new_page()
    person.opens()
    assert person.drawing == lost[-1] + 1
    person.waits_until_saved()
    for number in lost:
        assert workplace.store.keypoint(number, "left_eye")["source"] == "confirmed"
    person.complaints = [text for text in person.complaints if "ERR_CONNECTION" not in text]


def test_any_page_sends_what_an_editor_left_unsent(workplace, person):
    person.opens()
    workplace.server.kill()
    number = person.confirms()
    person.waits_until_offline()
    person.page.close()

    workplace.restart()
    person.page = person.context.new_page()
    person.opens("/", ready=False)
    until = time.monotonic() + 10
    while person.page.evaluate("Object.keys(localStorage).some((key) => key.startsWith('curator.outbox.'))"):
        assert time.monotonic() < until
        person.page.wait_for_timeout(50)
    assert workplace.store.keypoint(number, "left_eye")["source"] == "confirmed"
    person.complaints = [text for text in person.complaints if "ERR_CONNECTION" not in text]


def test_an_answer_that_never_arrived_is_asked_for_again_and_counts_once(workplace, person):
    def swallow(route):
        route.fetch()  # the server does it
        route.abort()  # and nobody hears of it
        person.page.unroute("**/confirmations")

    person.page.route("**/confirmations", swallow)
    person.opens()
    number = person.confirms()
    person.waits_until_saved()
    assert workplace.store.actions() == ["confirm"]
    assert workplace.store.annotation(number)["version"] == 2
    person.complaints = [text for text in person.complaints if "ERR_FAILED" not in text]


def test_what_others_saved_meanwhile_is_kept_and_so_is_what_does_not_clash(workplace, person):
    person.opens()
    number = person.drawing
    theirs = {"x": 11.5, "y": 12.5, "state": "hidden", "source": "placed"}
    body = {"change_id": "somebody-else-1", "base_version": 1, "changes": {"keypoints": {"left_ear": theirs}}}
    workplace.store.send("PATCH", f"/api/annotations/{number}", body)

    person.presses("0")  # right ear: nobody else touched it
    person.waits_until_saved()
    assert workplace.store.keypoint(number, "right_ear")["state"] == "absent"
    assert workplace.store.keypoint(number, "left_ear") == theirs
    assert person.sees("left_ear")["x"] == 11.5

    changes = {"keypoints": {"right_eye": theirs, "left_ear": theirs}}
    body = {"change_id": "somebody-else-2", "base_version": 3, "changes": changes}
    workplace.store.send("PATCH", f"/api/annotations/{number}", body)
    person.presses("0")  # right eye: they said something else
    person.page.wait_for_selector("[data-toast]:has-text('changed elsewhere')")
    person.waits_until_saved()
    assert workplace.store.keypoint(number, "right_eye") == theirs
    assert "right eye" in person.message
    person.complaints = [text for text in person.complaints if "409" not in text]


def test_the_next_drawing_does_not_wait_for_the_reply(workplace, person):
    person.page.route("**/confirmations", lambda route: (time.sleep(1.5), route.continue_()))
    person.opens()
    person.page.wait_for_timeout(500)  # the next ones are fetched by now
    took = person.page.evaluate(
        """async () => {
          const canvas = document.querySelector("#drawing"), before = canvas.dataset.annotationId;
          const isThere = () => canvas.dataset.annotationId !== before && canvas.dataset.ready === "true";
          const start = performance.now();
          document.dispatchEvent(new KeyboardEvent("keydown", {key: "Enter", bubbles: true}));
          while (!isThere()) await new Promise(requestAnimationFrame);
          return performance.now() - start;
        }"""
    )
    assert took < 1000  # the reply alone takes longer
    assert person.save_words == "Saving… (1)"
    person.waits_until_saved()


def test_looking_at_drawings_writes_nothing(workplace, person):
    person.opens()
    person.presses("Tab", "z", "c", "+", "-", "b", "Tab", "b", "?", "Escape", "s", "Escape", "r", "Escape")
    person.page.mouse.move(400, 400)
    person.page.mouse.wheel(0, -300)
    person.page.reload()
    person.waits_for_drawing()
    assert workplace.store.actions() == []


# --- the page itself --------------------------------------------------------------------------------------------------


def test_a_picture_that_cannot_be_shown_offers_ways_on(workplace, person):
    sick = workplace.store.get("/api/queues/face/tasks")["tasks"][0]["image"]["url"]
    person.page.route(f"**{sick}", lambda route: route.abort())
    person.opens(ready=False)
    person.page.wait_for_selector("[data-cover=broken]:visible")
    person.presses("Enter")
    assert workplace.store.actions() == []
    person.presses("s", "2")
    person.waits_for_drawing()
    person.waits_until_saved()
    assert workplace.store.actions() == ["skip"]
    person.complaints = [text for text in person.complaints if "ERR_FAILED" not in text]


def test_every_key_in_the_table_is_understood(person):
    person.opens()
    commands = person.page.evaluate("import('/static/js/shortcuts.js').then((m) => m.SHORTCUTS.map((s) => s.command))")
    assert {command for command in commands if command} <= set(person.page.evaluate("window.editor.commands"))


def test_the_wheel_zooms_where_the_cursor_is_and_space_pans(person):
    person.opens()
    nose = person.sees("nose")
    at = person.on_page(nose["x"], nose["y"])
    person.page.mouse.move(*at)
    person.page.mouse.wheel(0, -240)
    person.page.wait_for_timeout(100)
    assert person.on_page(nose["x"], nose["y"]) == pytest.approx(at, abs=1)  # the wheel comes in whole pixels
    person.page.keyboard.down("Space")
    person.page.mouse.down()
    person.page.mouse.move(at[0] + 50, at[1] - 30)
    person.page.mouse.up()
    person.page.keyboard.up("Space")
    assert person.on_page(nose["x"], nose["y"]) == pytest.approx((at[0] + 50, at[1] - 30), abs=2)


def test_escape_leaves_the_canvas_and_tab_is_then_the_browsers_own(person):
    person.opens()
    person.presses("Escape")
    assert person.page.evaluate("document.activeElement.closest('.panel') !== null")
    active = person.active
    person.presses("Tab")
    assert person.active == active
    assert person.page.evaluate("document.activeElement.id") != "drawing"


def test_an_escaped_drag_changes_nothing(workplace, person):
    person.opens()
    eye = person.sees("left_eye")
    x, y = person.on_page(eye["x"], eye["y"])
    person.page.mouse.move(x, y)
    person.page.mouse.down()
    person.page.mouse.move(x + 60, y + 10)
    person.page.keyboard.press("Escape")
    person.page.mouse.up()
    assert place_of(person.sees("left_eye")) == place_of(eye)
    assert workplace.store.actions() == []


def test_light_or_dark_is_remembered(person):
    person.opens("/help", ready=False)
    person.page.click("[data-theme-toggle]")
    person.opens()
    assert person.page.get_attribute("html", "data-theme") == "dark"


def test_no_page_breaks_its_own_security_policy(person):
    person.context.add_init_script(
        "addEventListener('securitypolicyviolation', (event) => console.error('CSP', event.violatedDirective));"
    )
    for path in ("/", "/help", "/removed", "/export", "/label/face", "/label/face?skipped=1"):
        person.opens(path, ready=False)
        person.page.wait_for_load_state("networkidle")
    person.opens("/help", ready=False)
    assert person.page.locator(".key-row").count() > 20
    assert person.complaints == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1280, 800), (1920, 1080)], ids=["small", "large"])
def test_the_pages_look_their_part_on_common_screens(browser, workplace, tmp_path, theme, width, height):
    """With CURATOR_PICTURES=1 the pictures go to docs/pictures, to be looked at and committed."""
    folder = PICTURES if os.environ.get("CURATOR_PICTURES") == "1" else tmp_path
    folder.mkdir(parents=True, exist_ok=True)
    name = theme if width == 1280 else f"{theme}-{width}"
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme)
    page = context.new_page()
    page.goto(workplace.server.url + "/label/face")
    page.wait_for_selector("#drawing[data-ready=true]")
    page.keyboard.press("1")
    page.wait_for_selector("[data-save-state=saved]")
    page.screenshot(path=str(folder / f"editor-{name}.png"))
    inside = page.evaluate(
        """[...document.querySelectorAll("button, canvas, [data-save-state]")].filter((e) => e.checkVisibility())
        .map((e) => [e.getBoundingClientRect(), e.outerHTML.slice(0, 80)])
        .filter(([r]) => r.left < 0 || r.top < 0 || r.right > innerWidth || r.bottom > innerHeight)
        .map(([, html]) => html)"""
    )
    assert inside == []  # nothing of the editor lies outside of the window
    if width == 1280:
        page.keyboard.press("?")
        page.wait_for_selector("#help-dialog[open]")
        page.screenshot(path=str(folder / f"editor-keys-{name}.png"))
        page.goto(workplace.server.url + "/help")
        page.wait_for_load_state("networkidle")
        page.screenshot(path=str(folder / f"help-{name}.png"), full_page=True)
    context.close()
