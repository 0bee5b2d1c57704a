"""Picture files from strangers, made here in code: what each is, and why a bad one is refused."""

import hashlib
import io
import json
import struct
import tracemalloc
import zlib
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from datasets.names import why_unsafe
from datasets.pictures import fit_within, fitted_size, inspect_picture, post_id_of, thumbnail, to_rgba
from datasets.records import FormatError


def a_gradient(mode: str = "RGB", size_wh: tuple[int, int] = (60, 40)) -> Image.Image:
    """Red grows to the right, green downwards, so that turning and mirroring show."""
    width, height = size_wh
    red, green = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return Image.fromarray(np.dstack([red, green, 0 * red + 90]).astype(np.uint8)).convert(mode)


def encoded(image: Image.Image, format_name: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, format_name, **options)
    return out.getvalue()


def turned(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(a_gradient(), "JPEG", exif=exif, quality=95)


def a_16_bit_png() -> bytes:
    """60 x 40, 16-bit RGB, written by hand: Pillow writes none."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + b"\x12\x34\xab\xcd\xff\xff" * 60 for _ in range(40))
    header = struct.pack(">IIBBBBB", 60, 40, 16, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def a_png_header_of(width: int, height: int) -> bytes:
    """A PNG that says it is huge and holds next to nothing."""
    data = bytearray(encoded(Image.new("1", (8, 8)), "PNG"))
    data[16:24] = struct.pack(">II", width, height)
    data[29:33] = struct.pack(">I", zlib.crc32(bytes(data[12:29])))
    return bytes(data)


def with_palette_alpha() -> bytes:
    image = Image.new("P", (60, 40), 0)
    image.putpalette([255, 0, 0, 0, 255, 0])
    image.paste(1, (0, 0, 30, 40))
    return encoded(image, "PNG", transparency=0)


def animated(format_name: str) -> bytes:
    frames = [Image.new("RGB", (60, 40), colour) for colour in ("red", "green", "blue")]
    return encoded(frames[0], format_name, save_all=True, append_images=frames[1:])


# --- what is taken ----------------------------------------------------------------------------------------------------

TAKEN = {
    "JPEG": (encoded(a_gradient(), "JPEG"), "JPEG", (), True),
    "progressive JPEG": (encoded(a_gradient(), "JPEG", progressive=True), "JPEG", (), True),
    "grey JPEG": (encoded(a_gradient("L"), "JPEG"), "JPEG", ("grey",), True),
    "CMYK JPEG": (encoded(a_gradient("CMYK"), "JPEG"), "JPEG", ("cmyk",), False),
    "PNG": (encoded(a_gradient(), "PNG"), "PNG", (), True),
    "PNG with alpha": (encoded(a_gradient("RGBA"), "PNG"), "PNG", (), True),
    "PNG of 16 bits": (a_16_bit_png(), "PNG", ("16_bit",), False),
    "grey PNG of 16 bits": (encoded(a_gradient("L").convert("I;16"), "PNG"), "PNG", ("16_bit", "grey"), False),
    "palette PNG": (encoded(a_gradient("P"), "PNG"), "PNG", (), True),
    "palette PNG with alpha": (with_palette_alpha(), "PNG", ("palette_alpha",), True),
    "black and white PNG": (encoded(a_gradient("1"), "PNG"), "PNG", ("grey",), True),
    "animated PNG": (animated("PNG"), "PNG", ("animated",), False),
    "WebP": (encoded(a_gradient(), "WEBP"), "WEBP", (), True),
    "animated WebP": (animated("WEBP"), "WEBP", ("animated",), False),
    "GIF": (encoded(a_gradient(), "GIF"), "GIF", (), True),
    "animated GIF": (animated("GIF"), "GIF", ("animated",), False),
    "BMP": (encoded(a_gradient(), "BMP"), "BMP", (), False),
}


@pytest.mark.parametrize(("data", "format_name", "notes", "browser_ready"), TAKEN.values(), ids=TAKEN)
def test_each_kind_of_picture_is_told_by_its_bytes(tmp_path, data, format_name, notes, browser_ready):
    path = tmp_path / "picture.whatever"
    path.write_bytes(data)

    facts = inspect_picture(path)

    assert (facts.format, facts.width, facts.height) == (format_name, 60, 40)
    assert facts.notes == notes
    assert facts.browser_ready is browser_ready
    assert facts.sha256 == hashlib.sha256(data).hexdigest()
    assert facts.md5 == hashlib.md5(data).hexdigest()
    assert facts.num_bytes == len(data)


@pytest.mark.parametrize("data", [case[0] for case in TAKEN.values()], ids=TAKEN)
def test_each_kind_becomes_rgba_and_a_thumbnail(data):
    rgba = to_rgba(data)
    small = Image.open(io.BytesIO(thumbnail(data, 30)))

    assert (rgba.mode, rgba.size) == ("RGBA", (60, 40))
    assert (small.format, small.mode, small.size) == ("JPEG", "RGB" if small.mode == "RGB" else "L", (30, 20))


def test_frames_and_alpha_are_counted():
    assert inspect_picture(animated("GIF")).num_frames == 3
    assert inspect_picture(with_palette_alpha()).has_alpha
    assert inspect_picture(encoded(a_gradient("RGBA"), "PNG")).has_alpha
    assert not inspect_picture(encoded(a_gradient(), "PNG")).has_alpha


# By hand: where the top left corner of the upright picture lies in the stored one, orientation by orientation.
STORED_CORNER = {1: (0, 0), 2: (59, 0), 3: (59, 39), 4: (0, 39), 5: (0, 0), 6: (0, 39), 7: (59, 39), 8: (59, 0)}


@pytest.mark.parametrize(("orientation", "corner"), STORED_CORNER.items())
def test_a_picture_that_was_stored_turned_is_shown_upright(orientation, corner):
    data = turned(orientation)

    facts, rgba = inspect_picture(data), to_rgba(data)

    assert rgba.size == (facts.width, facts.height) == ((40, 60) if orientation >= 5 else (60, 40))
    stored = a_gradient().getpixel(corner)
    assert rgba.getpixel((0, 0))[:3] == pytest.approx(stored, abs=12)
    assert ("exif_rotated" in facts.notes) == (orientation != 1)
    assert facts.browser_ready == (orientation == 1)
    small = Image.open(io.BytesIO(thumbnail(data, 30)))
    assert small.size == ((20, 30) if orientation >= 5 else (30, 20))


@pytest.mark.parametrize("orientation", [0, 9, 77])
def test_an_orientation_that_does_not_exist_is_upright(orientation):
    assert inspect_picture(turned(orientation)).notes == ()
    assert to_rgba(turned(orientation)).size == (60, 40)


def test_palette_transparency_becomes_alpha():
    rgba = to_rgba(with_palette_alpha())

    assert rgba.getpixel((0, 0)) == (0, 255, 0, 255)
    assert rgba.getpixel((59, 0))[3] == 0


def test_sixteen_bits_become_eight_by_their_high_byte():
    assert to_rgba(a_16_bit_png()).getpixel((5, 5)) == (0x12, 0xAB, 0xFF, 255)
    grey = Image.fromarray(np.full((4, 4), 0xABCD, dtype=np.uint16))
    assert to_rgba(encoded(grey, "PNG")).getpixel((0, 0)) == (0xAB, 0xAB, 0xAB, 255)


def test_cmyk_keeps_its_colours():
    red = Image.new("RGB", (16, 16), (200, 30, 40)).convert("CMYK")

    assert to_rgba(encoded(red, "JPEG", quality=95)).getpixel((8, 8))[:3] == pytest.approx((200, 30, 40), abs=6)


def test_a_thumbnail_is_on_white_where_the_picture_is_clear():
    clear = Image.new("RGBA", (60, 40), (255, 0, 0, 0))

    small = Image.open(io.BytesIO(thumbnail(encoded(clear, "PNG"), 30)))

    assert small.convert("RGB").getpixel((5, 5)) == pytest.approx((255, 255, 255), abs=2)


def test_a_thumbnail_is_never_larger_than_its_picture():
    assert Image.open(io.BytesIO(thumbnail(encoded(a_gradient(), "PNG"), 512))).size == (60, 40)


# --- what is refused --------------------------------------------------------------------------------------------------

JPEG, PNG = encoded(a_gradient(size_wh=(300, 200)), "JPEG"), encoded(a_gradient(size_wh=(300, 200)), "PNG")
REFUSED = {
    "empty": (b"", "x.jpg: is empty (0 bytes), expected a picture"),
    "a web page": (b"\n<!DOCTYPE html><html>", "x.jpg: is a web page (HTML), expected a JPEG, PNG, WebP, GIF or BMP"),
    "SVG": (b"<svg xmlns=''/>", "x.jpg: is an XML or SVG file, expected a JPEG, PNG, WebP, GIF or BMP picture"),
    "TIFF": (encoded(a_gradient(), "TIFF"), "x.jpg: begins with the bytes 49 49 2a 00"),
    "random bytes": (b"\0\1\2\3\4\5\6\7\x08", "x.jpg: begins with the bytes 00 01 02 03 04 05 06 07, expected"),
    "only a JPEG's first bytes": (JPEG[:4], "x.jpg: is cut off or damaged after 4 bytes (no header), exp"),
    "half a JPEG": (JPEG[: len(JPEG) // 2], "expected a complete JPEG"),
    "a JPEG without its last tenth": (JPEG[: len(JPEG) * 9 // 10], "expected a complete JPEG"),
    "half a PNG": (PNG[: len(PNG) // 2], "expected a complete PNG"),
    "a PNG with a flipped bit": (PNG[:200] + bytes([PNG[200] ^ 4]) + PNG[201:], "expected a complete PNG"),
    "half a WebP": (encoded(a_gradient(), "WEBP")[:90], "expected a complete WEBP"),
    "half a GIF": (encoded(a_gradient(), "GIF")[:900], "expected a complete GIF"),
    "half a BMP": (encoded(a_gradient(), "BMP")[:900], "expected a complete BMP"),
    "a bomb of 100 megapixels": (
        a_png_header_of(10_000, 10_000), "x.jpg: is 10000 x 10000, 100 megapixels, expected at most 80",
    ),
    "a bomb of 10 gigapixels": (a_png_header_of(100_000, 100_000), "x.jpg: has 10,000 megapixels, expected at most 80"),
}  # fmt: skip


@pytest.mark.parametrize(("data", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_whole_picture_is_refused_in_one_sentence(tmp_path, data, message):
    path = tmp_path / "x.jpg"
    path.write_bytes(data)

    for reads in (inspect_picture, to_rgba):
        with pytest.raises(FormatError) as caught:
            reads(path)
        assert message in str(caught.value)
        assert str(caught.value).startswith("x.jpg: ")
        assert "\n" not in str(caught.value)


def test_a_bomb_is_refused_without_being_decoded():
    bomb = encoded(Image.new("1", (10_000, 10_000)), "PNG")
    assert len(bomb) < 100_000

    tracemalloc.start()
    with pytest.raises(FormatError, match="100 megapixels, expected at most 80"):
        inspect_picture(bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 4_000_000


def test_the_limit_can_be_set():
    with pytest.raises(FormatError, match=r"expected at most 0\.002"):
        inspect_picture(encoded(a_gradient(), "PNG"), max_megapixels=0.002)


def test_a_file_that_is_not_there_is_one_sentence(tmp_path):
    with pytest.raises(FormatError, match=r"none\.png: cannot be read \(No such file or directory\)"):
        inspect_picture(tmp_path / "none.png")


@settings(max_examples=200)
@given(
    kind=st.sampled_from(sorted(TAKEN)),
    cut=st.floats(0, 1),
    flips=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), max_size=6),
)
def test_damaged_files_are_refused_or_read_never_anything_else(kind, cut, flips):
    data = bytearray(TAKEN[kind][0])
    for where, value in flips:
        data[int(where * len(data))] = value
    data = bytes(data[: int(cut * len(data)) + 1])

    with suppress(FormatError):
        facts = inspect_picture(data)
        assert min(facts.width, facts.height) > 0
    with suppress(FormatError):
        assert to_rgba(data).mode == "RGBA"
    with suppress(FormatError):
        assert thumbnail(data).startswith(b"\xff\xd8")


# --- ADD's frame ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size_wh", "fitted"),
    [
        ((1000, 1414), (424, 600)),
        ((1080, 1920), (338, 600)),
        ((2480, 3508), (424, 600)),
        ((1600, 900), (800, 450)),
        ((1024, 768), (800, 600)),
        ((801, 600), (800, 599)),
        ((800, 600), (800, 600)),
        ((640, 574), (640, 574)),
        ((5000, 10), (800, 2)),
        ((10, 30_000), (1, 600)),
    ],
    ids=lambda size: f"{size[0]}x{size[1]}",
)
def test_a_picture_is_shrunk_into_800_x_600_and_never_enlarged(size_wh, fitted):
    assert fitted_size(size_wh, (800, 600)) == fitted
    assert fit_within(Image.new("RGBA", size_wh), (800, 600)).size == fitted


def test_every_size_in_add_is_one_that_the_frame_leaves_alone(shared_data):
    sizes = {(item["width"], item["height"]) for item in json.loads((shared_data / "add" / "data.json").read_text())}
    for size_wh in sizes - {(0, 0)}:
        assert fitted_size(size_wh, (800, 600)) == size_wh
        # Three times the size comes back to the same picture where the frame is what shrank it.
        if size_wh[0] == 800 or size_wh[1] == 600:
            assert fitted_size((3 * size_wh[0], 3 * size_wh[1]), (800, 600)) == size_wh


def test_a_picture_that_fits_is_left_as_it_is():
    image = a_gradient("RGBA")

    assert fit_within(image, (800, 600)) is image


def test_hidden_colours_do_not_bleed_into_the_edge():
    image = Image.new("RGBA", (100, 100), (255, 0, 0, 0))
    image.paste((0, 0, 255, 255), (0, 0, 50, 100))

    small = fit_within(image, (10, 10))

    assert all(pixel[0] < 8 for pixel in (small.getpixel((x, 5)) for x in range(10)) if pixel[3] > 0)


# --- names ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "post_id"),
    [
        ("1154928.jpg", "1154928"),
        ("data/images/1154928.png", "1154928"),
        ("0162/263162.jpg", "263162"),
        ("0162\\263162.jpg", "263162"),
        ("0263162.webp", "263162"),
        ("__noa_ushio_drawn_by_mika__0123456789abcdef0123456789abcdef.jpg", None),
        ("0123456789abcdef0123456789abcdef.jpg", None),
        ("12345678901234567890123456789012.jpg", None),
        ("1154928", None),
        ("1154928.tar.gz", None),
        ("page-12.jpg", None),
        ("１２.jpg", None),
        (".jpg", None),
        ("", None),
    ],
)
def test_the_post_that_a_file_is_named_after(name, post_id):
    assert post_id_of(name) == post_id


@pytest.mark.parametrize("name", ["a.jpg", "data/images/1.jpg", "..a/b..c.jpg", "a...jpg", "ヒ.png", "~/a.jpg"])
def test_a_relative_name_is_safe(name):
    assert why_unsafe(name) is None


@pytest.mark.parametrize("name", ["", "/a", "\\a", "C:\\a", "c:a", "..", "../a", "a/..", "a/../b", "a\\..\\b", "a\0b"])
def test_a_name_that_leaves_its_folder_is_unsafe(name):
    assert "expected" in why_unsafe(name)
