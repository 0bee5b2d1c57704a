"""The model `geometry`: eyes and ears from the other joints, and how a person's labels take it over."""

from __future__ import annotations

import dataclasses
import json
import math
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from datasets.skeleton import ADD_TO_COCO, COCO_KEYPOINTS, FACE_KEYPOINTS, INDEX, mirror_name
from models import fit_geometry, geometry
from models.geometry import COEFFICIENTS_FILE, TIERS, FaceKeypoint, GeometryFit, GeometryModel, Known, head_view, known

# Mika stands and looks at us: the own left is on the picture's right.
MIKA = {
    "nose": (200.0, 100.0), "left_shoulder": (240.0, 150.0), "right_shoulder": (160.0, 150.0),
    "left_hip": (228.0, 300.0), "right_hip": (172.0, 300.0),
    "nose_root": (200.0, 86.0), "neck": (200.0, 142.0), "head": (200.0, 122.0),
}  # fmt: skip
EXTRAS = ("nose_root", "neck", "head")
NEEDED = {name: tuple(geometry.JOINTS[j] for j in needs) for name, needs in TIERS.items()}


def drawing(joints: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Named joints as points and extras."""
    points = [joints.get(name) for name in COCO_KEYPOINTS]
    return points, {name: joints[name] for name in EXTRAS if name in joints}


def head(rng: np.random.Generator, eye: tuple[float, float] = (0.42, 0.02)) -> dict[str, Any]:
    """A drawn character with its face: Mika, shaken, turned, scaled; the eye at a place in nose-to-neck lengths."""
    joints: dict[str, Any] = {name: np.array(place) + rng.normal(0, 2.0, 2) for name, place in MIKA.items()}
    root = joints["nose_root"]
    for side, sign in (("left", 1.0), ("right", -1.0)):
        joints[f"{side}_eye"] = root + 42.0 * np.array([sign * eye[0], -eye[1]])
        joints[f"{side}_ear"] = root + 42.0 * np.array([sign * 0.9, 0.05])
    angle, scale, shift = rng.normal(0, 0.3), rng.uniform(0.5, 2.0), rng.uniform(-50, 500, 2)
    turn = scale * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    return {name: tuple(turn @ place + shift) for name, place in joints.items()}


def states_of(joints: dict[str, Any], ears: str = "h") -> str:
    """Eyes visible, ears as said, the rest undecided."""
    letters = {name: "v" if name.endswith("eye") else ears for name in FACE_KEYPOINTS if name in joints}
    return "".join(letters.get(name, "u") for name in COCO_KEYPOINTS)


def moved(joints: dict[str, Any], change: Any) -> dict[str, Any]:
    """Every joint through a map of places."""
    return {name: tuple(change(np.array(place))) for name, place in joints.items()}


def in_mirror(joints: dict[str, Any], width: float = 0.0) -> dict[str, Any]:
    """The drawing in a mirror: x turned round, left and right named anew."""
    return {mirror_name(name): (width - place[0], place[1]) for name, place in joints.items()}


def only(joints: dict[str, Any], tier: str) -> dict[str, Any]:
    """No more than a tier needs."""
    return {name: joints[name] for name in NEEDED[tier]}


def predicted(joints: dict[str, Any], box: Any = (100.0, 20.0, 200.0, 500.0), states: str | None = None) -> Any:
    answer = GeometryModel.shipped().predict(*drawing(joints), box, states)
    assert answer is not None
    return answer


def places(answer: dict[str, FaceKeypoint]) -> np.ndarray:
    return np.array([(answer[name].x, answer[name].y) for name in FACE_KEYPOINTS])


def labelled_with(heads: list[dict[str, Any]], prior: GeometryModel | None = None) -> GeometryFit:
    fit = GeometryFit(prior or GeometryModel.shipped())
    for key, joints in enumerate(heads):
        fit.put(key, *drawing(joints), states_of(joints))
    return fit


def mean_eye_error(model: GeometryModel, heads: list[dict[str, Any]]) -> float:
    """Of eyes nobody told it, in nose-to-neck lengths."""
    errors = []
    for joints in heads:
        bare = {name: place for name, place in joints.items() if name not in FACE_KEYPOINTS}
        answer = model.predict(*drawing(bare))
        assert answer is not None
        unit = math.dist(joints["nose"], joints["neck"])
        errors += [math.dist((answer[n].x, answer[n].y), joints[n]) / unit for n in ("left_eye", "right_eye")]
    return float(np.mean(errors))


# --- a face that looks at us, away, to the side -----------------------------------------------------------------------


def test_a_face_that_looks_at_us_has_its_eyes_beside_the_root_of_the_nose():
    face = predicted(MIKA)

    assert list(face) == list(FACE_KEYPOINTS)
    assert face["right_ear"].x < face["right_eye"].x < 200 < face["left_eye"].x < face["left_ear"].x
    assert all(abs(face[name].y - 86) < 0.25 * 42 for name in ("left_eye", "right_eye"))
    assert face["left_eye"].state == face["right_eye"].state == "visible"
    assert all(0 <= point.score <= 1 for point in face.values())


def test_seen_from_behind_the_eyes_are_hidden_and_left_is_on_the_left():
    behind = {**MIKA, **{f"{a}_{part}": MIKA[f"{b}_{part}"] for part in ("shoulder", "hip")
                         for a, b in (("left", "right"), ("right", "left"))}}  # fmt: skip

    face = predicted(behind)

    assert face["left_eye"].state == face["right_eye"].state == "hidden"
    assert face["left_ear"].x < face["right_ear"].x


def test_in_profile_the_far_eye_and_the_far_ear_are_hidden():
    # To the picture's right: the own left side is the far one.
    profile = {"nose": (224.0, 104.0), "nose_root": (217.0, 90.0), "head": (203.0, 122.0), "neck": (200.0, 142.0),
               "left_shoulder": (203.0, 150.0), "right_shoulder": (197.0, 151.0),
               "left_hip": (202.0, 300.0), "right_hip": (198.0, 300.0)}  # fmt: skip

    face = predicted(profile)

    assert face["right_eye"].state == "visible"
    assert face["left_ear"].state == "hidden"
    assert face["right_ear"].x < face["right_eye"].x < 224


# --- the frame --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tier", TIERS)
def test_the_left_eye_of_a_mirrored_drawing_is_the_mirrored_right_eye(tier, seed):
    joints = only(head(np.random.default_rng(seed)), tier)
    box = (100.0, 20.0, 256.0, 512.0)

    straight = predicted(joints, box)
    mirrored = predicted(in_mirror(joints), (-356.0, 20.0, 256.0, 512.0))

    for name in FACE_KEYPOINTS:
        here, there = straight[name], mirrored[mirror_name(name)]
        assert (here.x, here.y, here.state, here.score) == (-there.x, there.y, there.state, there.score)


@pytest.mark.parametrize("tier", [name for name in TIERS if name not in ("shoulders", "nose")])
def test_a_turned_scaled_and_moved_drawing_has_its_face_turned_scaled_and_moved(tier, seed):
    joints = only(head(np.random.default_rng(seed)), tier)
    turn = 2.5 * np.array([[math.cos(2.0), -math.sin(2.0)], [math.sin(2.0), math.cos(2.0)]])

    after = predicted(moved(joints, lambda place: turn @ place + (31.0, -870.0)))

    before = predicted(joints)
    np.testing.assert_allclose(places(after), places(before) @ turn.T + (31.0, -870.0), atol=1e-6)
    for name in FACE_KEYPOINTS:
        assert after[name].state == before[name].state
        assert after[name].score == pytest.approx(before[name].score, abs=1e-6)


@pytest.mark.parametrize("tier", ["shoulders", "nose"])
def test_without_an_axis_the_pictures_up_is_the_heads_up(tier):
    face = predicted(only(MIKA, tier))

    assert face["right_ear"].x < face["left_ear"].x
    assert abs(face["left_eye"].y - face["right_eye"].y) < 10
    twice = predicted(moved(only(MIKA, tier), lambda place: 2 * place + 7), (207.0, 47.0, 400.0, 1000.0))
    np.testing.assert_allclose(places(twice), 2 * places(face) + 7, atol=1e-6)


def test_an_upside_down_character_has_its_eyes_below_its_nose():
    face = predicted(moved(MIKA, lambda place: -place))

    assert face["left_eye"].y > -100 < face["right_eye"].y + 20
    assert face["left_eye"].x < face["right_eye"].x


# --- what is missing --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tier", TIERS)
def test_each_tier_serves_the_drawing_that_has_just_its_joints(tier):
    points, extras = drawing(only(MIKA, tier))

    _, _, _, index = GeometryModel.shipped().predict_arrays(known([(points, extras, (100, 20, 200, 500), None)]))

    assert list(TIERS)[index[0]] == tier


@pytest.mark.parametrize(
    ("missing", "tier"),
    [
        pytest.param((), "add", id="nothing"),
        pytest.param(("head",), "neck", id="ADD's head"),
        pytest.param(("nose_root", "neck", "head"), "coco", id="every extra"),
        pytest.param(("left_shoulder",), "axis", id="a shoulder"),
        pytest.param(("nose",), "torso", id="the nose"),
        pytest.param(("nose", "left_hip"), "shoulders", id="nose and a hip"),
        pytest.param(("right_shoulder", "neck"), "nose", id="a shoulder and the neck"),
    ],
)
def test_a_missing_joint_leads_to_the_next_tier(missing, tier):
    points, extras = drawing({name: place for name, place in MIKA.items() if name not in missing})

    *_, index = GeometryModel.shipped().predict_arrays(known([(points, extras, None, None)]))

    assert list(TIERS)[index[0]] == tier


def test_the_more_is_known_the_surer_the_eyes():
    scores = [predicted(only(MIKA, tier))["left_eye"].score for tier in ("add", "coco", "nose")]

    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize(
    ("joints", "box"),
    [
        pytest.param({}, None, id="no joints"),
        pytest.param({}, (0, 0, 100, 200), id="a box alone"),
        pytest.param({"nose": (10.0, 10.0)}, None, id="a nose alone"),
        pytest.param({"nose": (10.0, 10.0)}, (0, 0, 0, 0), id="a nose in an empty box"),
        pytest.param({"nose": (float("nan"), 10.0)}, (0, 0, 100, 200), id="a nose that is nowhere"),
        pytest.param({"left_shoulder": (10.0, 10.0), "right_shoulder": (10.0, 10.0)}, None, id="shoulders in one"),
        pytest.param(dict.fromkeys(MIKA, (5.0, 5.0)), None, id="all joints in one"),
        pytest.param({"left_knee": (5.0, 5.0), "right_knee": (50.0, 5.0)}, (0, 0, 100, 200), id="knees"),
    ],
)
def test_where_nothing_usable_is_known_nothing_is_predicted(joints, box):
    assert GeometryModel.shipped().predict(*drawing(joints), box) is None


def test_a_nose_on_its_neck_is_read_by_the_shoulders():
    face = predicted({**MIKA, "neck": MIKA["nose"], "head": MIKA["nose"], "nose_root": MIKA["nose"]})

    assert np.isfinite(places(face)).all()
    assert face["right_eye"].x < face["left_eye"].x


def test_a_joint_marked_absent_is_not_read():
    states = "a" + "u" * 16

    assert predicted(MIKA, states=states) == predicted({n: p for n, p in MIKA.items() if n != "nose"})


def test_a_placed_eye_moves_the_other_but_not_itself():
    alone = predicted(MIKA)
    wider = {**MIKA, "left_eye": (alone["left_eye"].x + 6, alone["left_eye"].y + 3)}

    told = predicted(wider, states=states_of(wider))

    assert told["left_eye"] == alone["left_eye"]
    # Lower here is higher there: the head is tilted.
    assert told["right_eye"].y < alone["right_eye"].y
    assert told["right_eye"].score > alone["right_eye"].score
    undecided = predicted(wider, states="u" * 17)
    assert undecided == alone


def test_one_and_many_agree(seed):
    rng = np.random.default_rng(seed)
    heads = [head(rng) for _ in range(20)]
    drawings = [(*drawing(only(joints, tier)), None, None) for joints in heads for tier in TIERS if tier != "nose"]
    drawings.append((*drawing({}), None, None))
    model = GeometryModel.shipped()

    many = model.predict_many(drawings)

    assert many[-1] is None
    for answer, one in zip(many[:-1], (model.predict(*d) for d in drawings), strict=False):
        assert answer is not None
        assert one is not None
        np.testing.assert_allclose(places(answer), places(one), rtol=1e-12)
    assert model.predict_many([]) == []


@pytest.mark.parametrize(
    ("points", "states"), [([None] * 16, "u" * 17), ([None] * 17, "u" * 16)], ids=["points", "states"]
)
def test_a_wrong_number_is_named(points, states):
    with pytest.raises(ValueError, match="16"):
        GeometryModel.shipped().predict(points, {}, None, states)
    with pytest.raises(ValueError, match="16"):
        GeometryFit(GeometryModel.shipped()).put(1, points, {}, states)


numbers = st.one_of(
    st.sampled_from([0.0, 1.0, 1e-9, -1e-9, 100.0, 100.5, 1e5, -3e5, 1e300, math.inf, -math.inf, math.nan]),
    st.floats(-2000, 2000),
    st.integers(-20, 800),
)
spots = st.one_of(st.none(), st.tuples(numbers, numbers))
bodies = st.tuples(
    st.lists(spots, min_size=17, max_size=17),
    st.dictionaries(st.sampled_from([*EXTRAS, "thumb_left"]), st.tuples(numbers, numbers)),
    st.one_of(st.none(), st.tuples(numbers, numbers, numbers, numbers)),
    st.one_of(st.none(), st.text("uvha", min_size=17, max_size=17)),
)


@given(body=bodies)
@example(body=([(1e-9 * k, 0.0) for k in range(17)], {"neck": (0.0, 1e-9)}, None, None))
def test_whatever_is_known_every_answer_is_a_number(body):
    points, extras, box, states = body
    model = GeometryModel.shipped()
    fit = GeometryFit(model)
    fit.put(1, points, extras, states or "v" * 17, box)

    for fitted in (model, fit.model()):
        for point in (fitted.predict(points, extras, box, states) or {}).values():
            assert math.isfinite(point.x)
            assert math.isfinite(point.y)
            assert 0 <= point.score <= 1
            assert point.state in ("visible", "hidden")

    x, y, w, h = head_view(points, extras, box, 0, 0)
    assert all(math.isfinite(v) for v in (x, y, w, h))
    assert w > 0 < h


# --- where the editor looks -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tier", TIERS)
def test_the_view_of_the_head_holds_the_face_with_a_margin(tier):
    joints = only(MIKA, tier)
    box = (100.0, 20.0, 200.0, 500.0)

    x, y, w, h = head_view(*drawing(joints), box, 400, 600)

    for px, py in (*places(predicted(joints, box)), *((joints["nose"],) if "nose" in joints else ())):
        assert x + 0.15 * w < px < x + 0.85 * w
        assert y + 0.15 * h < py < y + 0.85 * h


def test_the_view_of_the_head_is_about_four_and_a_half_nose_to_neck_lengths_wide():
    _, _, w, h = head_view(*drawing(MIKA), None, 400, 600)

    assert w == h == pytest.approx(2 * 2.2 * 42, rel=0.3)


def test_the_view_stays_sensible_when_nose_and_neck_meet():
    _, _, w, _ = head_view(*drawing({**MIKA, "neck": MIKA["nose"]}), None, 400, 600)

    assert 80 < w < 400


@pytest.mark.parametrize(
    ("box", "size", "expected"),
    [
        ((50, 40, 100, 400), (300, 600), (50, 40, 100, pytest.approx(400 / 3))),
        (None, (300, 600), (0, 0, 300, 300)),
        (None, (0, 0), (0, 0, 1, 1)),
    ],
    ids=["a box", "a picture", "not even that"],
)
def test_where_no_head_is_known_the_view_is_the_upper_part(box, size, expected):
    assert head_view([None] * 17, {}, box, *size) == expected


# --- a person's labels ------------------------------------------------------------------------------------------------


def test_without_labels_the_model_is_the_prior():
    prior = GeometryModel.shipped()

    assert GeometryFit(prior).model() is prior
    assert prior.version == "geometry-1"


def test_labels_take_over_as_they_come(seed):
    rng = np.random.default_rng(seed)
    style = (0.75, 0.30)  # far outside of what ships
    heads = [head(rng, style) for _ in range(300)]
    judges = [head(rng, style) for _ in range(60)]

    errors = [mean_eye_error(labelled_with(heads[:count]).model(), judges) for count in (0, 3, 20, 300)]

    assert errors == sorted(errors, reverse=True)
    assert errors[2] < 0.5 * errors[0]
    assert errors[3] < 0.06


def test_hidden_ears_are_learned(seed):
    rng = np.random.default_rng(seed)
    fit = GeometryFit(GeometryModel.shipped())
    for ears, name in (("h", "hidden"), ("v", "visible")):
        for key in range(40):
            joints = head(rng)
            fit.put(key, *drawing(joints), states_of(joints, ears))
        face = fit.model().predict(*drawing(MIKA))
        assert face is not None
        assert face["left_ear"].state == face["right_ear"].state == name


def test_the_version_counts_the_labelled_drawings(seed):
    rng = np.random.default_rng(seed)
    fit = labelled_with([head(rng) for _ in range(12)])
    fit.put(12, *drawing(MIKA), "u" * 17)  # nothing decided
    fit.put(13, [None] * 17, {}, "v" * 17)  # nothing known

    assert fit.model().version == "geometry-1+12"


def test_a_dropped_drawing_leaves_no_trace(seed):
    rng = np.random.default_rng(seed)
    heads = [head(rng) for _ in range(30)]
    fit = labelled_with(heads[:20])
    before = fit.model()
    for key in range(20, 30):
        fit.put(key, *drawing(heads[key]), states_of(heads[key]))
    assert fit.model().version == "geometry-1+30"

    for key in range(20, 30):
        fit.drop(key)
    fit.drop(999)

    assert_same(fit.model(), before)


def test_the_same_key_replaces_and_the_order_makes_no_difference(seed):
    rng = np.random.default_rng(seed)
    heads = [head(rng) for _ in range(25)]
    muddled = GeometryFit(GeometryModel.shipped())
    for key in rng.permutation(25).tolist():
        muddled.put(key, *drawing(heads[0]), states_of(heads[0]))
        muddled.model()
    muddled.drop(3)
    muddled.model()
    for key in rng.permutation(25).tolist():
        muddled.put(key, *drawing(heads[key]), states_of(heads[key]))

    assert_same(muddled.model(), labelled_with(heads).model())
    assert muddled.model() is muddled.model()


def assert_same(one: GeometryModel, other: GeometryModel) -> None:
    assert one.version == other.version
    for here, there in zip(one.tiers, other.tiers, strict=True):
        for field in dataclasses.fields(here):
            np.testing.assert_array_equal(getattr(here, field.name), getattr(there, field.name), field.name)


def test_the_refit_is_the_dense_solution_of_the_whole_problem(seed):
    """Stacked least squares: the labels' rows over the square root of the prior's precision."""
    rng = np.random.default_rng(seed)
    heads = [head(rng) for _ in range(40)]
    for joints in heads[::4]:
        del joints["left_ear"]
    prior = GeometryModel.shipped()
    fitted = labelled_with(heads, prior).model()
    seen = known([(*drawing(joints), None, states_of(joints)) for joints in heads])

    for before, after in zip(prior.tiers, fitted.tiers, strict=True):
        frame = geometry.frame_of(before.name, seen)
        if not frame.ok.all():
            continue
        features, _ = before.features(seen, frame)
        q = frame.enter(seen.faces)
        for part in (0, 1):
            rows, x, y, signs = [], [], [], []
            for k in range(len(heads)):
                for side, flip in ((0, 1.0), (1, -1.0)):
                    place = q[k, 2 * part + side]
                    if np.isfinite(place).all():
                        rows.append(features[k] * (before.parity if side else 1.0))
                        x.append(flip * place[0])
                        y.append(place[1])
                        signs.append(1.0 if part == 0 else -1.0)
            for (offset, slopes), targets, shipped, refitted in (
                (prior.strength[:2], np.stack([x, y], 1), before.place[part], after.place[part]),
                (prior.strength[2:], np.array(signs)[:, None], before.state[part][:, None], after.state[part][:, None]),
            ):
                precision = 2 * slopes * (before.gram + 1e-3 * np.eye(len(before.gram)))
                precision[0], precision[:, 0] = 0, 0
                precision[0, 0] = 2 * offset
                root = np.linalg.cholesky(precision).T
                dense = np.linalg.lstsq(np.vstack([rows, root]), np.vstack([targets, root @ shipped]), rcond=None)[0]
                np.testing.assert_allclose(refitted, dense, atol=1e-6)


def test_a_slip_of_the_mouse_does_not_turn_the_fit(seed):
    rng = np.random.default_rng(seed)
    heads = [head(rng) for _ in range(50)]
    slipped = {**heads[0], "left_eye": (90000.0, -40000.0)}

    model = labelled_with([slipped, *heads[1:]]).model()

    assert mean_eye_error(model, heads) < mean_eye_error(labelled_with(heads).model(), heads) + 0.15


# --- procedural characters --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def held_out() -> Known:
    """Characters whose seeds the shipped coefficients have not seen."""
    return fit_geometry.characters(range(400_000, 400_150))


def test_held_out_characters_are_met_better_than_by_a_mean_offset(held_out, seed):
    assert not set(range(400_000, 400_150)) & set(fit_geometry.TRAIN_SEEDS)
    blind = dataclasses.replace(held_out, faces=np.full_like(held_out.faces, np.nan))
    guessed = GeometryModel.shipped().predict_arrays(blind)[0]
    unit = np.linalg.norm(held_out.joints[:, geometry.NOSE] - held_out.joints[:, geometry.NECK], axis=1)[:, None]
    frame = geometry.frame_of("neck", held_out)
    # The peer even knows the mean offset of these very characters.
    offset = np.nanmean(frame.enter(held_out.faces), axis=0)
    peer = frame.leave(np.tile(offset, (len(unit), 1, 1)))
    ours, theirs = (np.linalg.norm(p - held_out.faces, axis=2) / unit for p in (guessed, peer))
    rng = np.random.default_rng(seed)

    for columns, most in (([0, 1], 0.10), ([2, 3], 0.22)):
        gain = np.nanmean((theirs - ours)[:, columns], axis=1)
        gain = gain[np.isfinite(gain)]
        means = [rng.choice(gain, len(gain)).mean() for _ in range(2000)]
        assert np.quantile(means, 0.005) > 0
        assert np.nanmean(ours[:, columns]) < most


def test_a_score_is_not_a_promise_it_cannot_keep(held_out):
    blind = dataclasses.replace(held_out, faces=np.full_like(held_out.faces, np.nan))
    guessed, _, scores, _ = GeometryModel.shipped().predict_arrays(blind)
    unit = np.linalg.norm(held_out.joints[:, geometry.NOSE] - held_out.joints[:, geometry.NECK], axis=1)[:, None]
    off = np.linalg.norm(guessed - held_out.faces, axis=2) / unit
    has = np.isfinite(off)

    for sure in (scores >= 0.7, scores < 0.7):
        picked = has & sure
        assert scores[picked].mean() < (off[picked] < geometry.TOLERANCE).mean() + 0.08


def test_fitting_twice_gives_the_same_file(held_out, monkeypatch):
    monkeypatch.setattr(fit_geometry, "STREAM_LENGTHS", (5, 20))
    monkeypatch.setattr(fit_geometry, "NUM_STREAMS", 1)

    texts = [fit_geometry.to_text(fit_geometry.fit(held_out)[1]) for _ in range(2)]

    assert texts[0] == texts[1]
    document = json.loads(texts[0])
    assert document["recipe"]["characters"] == 150
    assert geometry.model_from_json(document).predict(*drawing(MIKA)) is not None
    with pytest.raises(ValueError, match="format"):
        geometry.model_from_json({**document, "format": 2})


def test_the_shipped_file_says_what_it_was_made_from():
    document = json.loads(COEFFICIENTS_FILE.read_text(encoding="utf-8"))

    assert document["made_by"] == "python -m models.fit_geometry"
    assert document["recipe"]["characters"] == len(fit_geometry.TRAIN_SEEDS)
    assert len(document["recipe"]["digest"]) == 64
    assert document["recipe"]["tolerance"] == geometry.TOLERANCE
    assert COEFFICIENTS_FILE.stat().st_size < 200_000


# --- AnimeDrawingsDataset ---------------------------------------------------------------------------------------------


def test_on_real_records_every_face_is_placed_and_none_flies_off(shared_data):
    drawings = []
    for record in json.loads((shared_data / "add" / "data.json").read_text(encoding="utf-8")):
        joints = {coco: record["points"][add] for add, coco in ADD_TO_COCO.items()}
        drawings.append((*drawing({**joints, **{n: record["points"][n] for n in EXTRAS}}), None, "u" * 17))
    seen = known(drawings)

    guessed, _, scores, index = GeometryModel.shipped().predict_arrays(seen)

    assert len(drawings) == 2000
    assert (index >= 0).all()
    assert np.isfinite(scores).all()
    unit = np.linalg.norm(seen.joints[:, geometry.NOSE] - seen.joints[:, geometry.NECK], axis=1)
    shoulders = np.linalg.norm(seen.joints[:, geometry.L_SHOULDER] - seen.joints[:, geometry.R_SHOULDER], axis=1)
    off = np.linalg.norm(guessed - seen.joints[:, [geometry.ROOT]], axis=2)
    assert np.quantile((off / unit[:, None])[:, :2], 0.99) < 1.2
    # A nose close to the neck makes a short unit of a big head: hence the ears of some bowed heads.
    units = off / np.maximum(unit, 0.3 * shoulders)[:, None]
    assert (units[:, :2] < 1.7).all()
    assert (units[:, 2:] < 4.0).all()
    assert np.quantile(units[:, 2:], 0.99) < 2.0
    # Those who face us have their left eye on the side of their left shoulder.
    q = geometry.frame_of("add", seen)
    across = q.enter(seen.joints)[:, geometry.L_SHOULDER, 0] - q.enter(seen.joints)[:, geometry.R_SHOULDER, 0]
    eyes = q.enter(guessed)
    assert ((eyes[:, 0, 0] > eyes[:, 1, 0])[across > 0.8]).mean() > 0.99
    assert np.abs(np.median(eyes[:, :2, 1])) < 0.15


def test_the_model_is_quick_to_import_and_needs_no_torch():
    heavy = "('torch', 'scipy', 'datasets.characters')"
    code = f"import sys, models.geometry; sys.exit(any(name in sys.modules for name in {heavy}))"

    assert subprocess.run([sys.executable, "-c", code], cwd=COEFFICIENTS_FILE.parents[2]).returncode == 0


def test_every_known_face_keypoint_has_its_place_in_the_skeleton():
    assert [INDEX[name] for name in FACE_KEYPOINTS] == [1, 2, 3, 4]
