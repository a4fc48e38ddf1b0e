import os
import struct
import subprocess
import sys
import threading
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from placevec.images.condition import condition_of
from placevec.images.formats import PHOTO_SUFFIXES
from placevec.images.metadata.gps import read_gps
from placevec.images.metadata.header import read_header
from placevec.images.read import UnreadableImageError, read_image


def picture(rows: int = 48, cols: int = 64, seed: int = 0) -> np.ndarray:
    """A smooth asymmetric color picture, uint8 RGB."""
    coarse = np.random.default_rng(seed).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    return cv2.resize(coarse, (cols, rows), interpolation=cv2.INTER_LINEAR)


def save_heic(path, pixels, **options):
    pillow_heif = pytest.importorskip("pillow_heif")
    pillow_heif.from_pillow(Image.fromarray(pixels)).save(path, quality=95, **options)


def with_orientation(path, pixels, orientation, **options):
    exif = Image.Exif()
    exif[0x112] = orientation
    Image.fromarray(pixels).save(path, exif=exif.tobytes(), **options)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif", ".avif"])
def test_turns_as_exif_says(tmp_path, suffix, orientation):
    path = tmp_path / f"photo{suffix}"
    options = {"lossless": True} if suffix == ".webp" else {}
    with_orientation(path, picture(), orientation, **options)
    with Image.open(path) as photo:
        expected = np.asarray(ImageOps.exif_transpose(photo).convert("RGB")).astype(int)
    for channels in (3, 1):
        read = read_image(path, channels=channels)
        assert read.shape == (*expected.shape[:2], channels)
    assert np.abs(read_image(path) - expected).max() <= 3
    assert expected.shape[:2] == ((48, 64) if orientation < 5 else (64, 48))


@pytest.mark.parametrize("suffix", PHOTO_SUFFIXES)
def test_reads_every_suffix_it_names(tmp_path, suffix):
    path = tmp_path / f"photo{suffix}"
    pixels = picture()
    if suffix == ".pgm":
        pixels = np.repeat(pixels[:, :, :1], 3, axis=2)
        Image.fromarray(pixels[:, :, 0]).save(path)
    elif suffix == ".pbm":
        pixels = np.repeat(pixels[:, :, :1] // 128 * 255, 3, axis=2)
        Image.fromarray(pixels[:, :, 0]).convert("1", dither=Image.Dither.NONE).save(path)
    elif suffix in (".heic", ".heif", ".hif"):
        save_heic(path, pixels)
    else:
        kind = {".jpe": "JPEG", ".jfif": "JPEG", ".pnm": "PPM"}.get(suffix)
        Image.fromarray(pixels).save(path, kind, quality=95)
    read = read_image(path)
    assert read.dtype == np.uint8
    assert read.flags.c_contiguous
    assert np.abs(read.astype(int) - pixels).mean() < 4


@pytest.mark.parametrize("mode", ["RGB", "L", "1", "P", "LA", "RGBA"])
def test_equals_pillow_in_every_png_mode(tmp_path, mode):
    path = tmp_path / "photo.png"
    Image.fromarray(picture()).convert(mode).save(path)
    with Image.open(path) as photo:
        expected = np.asarray(photo.convert("RGB"))
    np.testing.assert_array_equal(read_image(path), expected)
    gray = read_image(path, channels=1)
    assert gray.shape == (48, 64, 1)
    luma = expected @ np.array([0.299, 0.587, 0.114])
    assert np.abs(gray[:, :, 0] - luma).max() <= 2


def test_drops_transparency_and_keeps_the_color_below(tmp_path):
    pixels = picture()
    clear = np.zeros((48, 64, 1), np.uint8)
    Image.fromarray(np.concatenate([pixels, clear], axis=2)).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), pixels)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".pgm"])
def test_takes_the_upper_8_of_16_bit(tmp_path, suffix):
    values = np.random.default_rng(0).integers(0, 65536, (6, 8), dtype=np.uint16)
    cv2.imwrite(str(tmp_path / f"deep{suffix}"), values)
    read = read_image(tmp_path / f"deep{suffix}")
    for channel in range(3):
        np.testing.assert_array_equal(read[:, :, channel], values >> 8)


def test_reads_cmyk(tmp_path):
    Image.fromarray(picture()).convert("CMYK").save(tmp_path / "print.jpg", quality=95)
    assert np.abs(read_image(tmp_path / "print.jpg").astype(int) - picture()).mean() < 4


def test_shrinks_by_averaging_areas(tmp_path):
    pixels = picture(48, 64)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    read = read_image(tmp_path / "a.png", image_size=(12, 8))
    expected = pixels.reshape(12, 4, 8, 8, 3).astype(float).mean(axis=(1, 3))
    assert np.abs(read - expected).max() <= 1


@pytest.fixture
def decoded(monkeypatch):
    """Sizes that OpenCV's decoder returned, in the order of the calls."""
    sizes, decode = [], cv2.imdecode

    def imdecode(*arguments):
        pixels = decode(*arguments)
        sizes.append(pixels.shape[:2])
        return pixels

    monkeypatch.setattr(cv2, "imdecode", imdecode)
    return sizes


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("image_size", "expected"),
    [
        ((240, 320), (240, 320)),
        ((239, 300), (240, 320)),
        ((241, 300), (480, 640)),
        ((100, 321), (480, 640)),
        ((120, 160), (120, 160)),
        ((60, 80), (60, 80)),
        ((10, 10), (60, 80)),
        (None, (480, 640)),
    ],
)
def test_the_jpeg_decoder_shrinks_never_below_the_size(
    tmp_path, decoded, image_size, expected, channels
):
    Image.fromarray(picture(480, 640)).save(tmp_path / "a.jpg", quality=95)
    read = read_image(tmp_path / "a.jpg", image_size=image_size, channels=channels)
    assert decoded == [expected]
    assert read.shape == (*(image_size or (480, 640)), channels)


@pytest.mark.parametrize(("rows", "cols"), [(240, 320), (120, 160), (110, 130), (60, 80)])
def test_a_jpeg_shrunk_by_its_decoder_is_nearly_the_mean_of_areas(tmp_path, rows, cols):
    Image.fromarray(picture(480, 640)).save(tmp_path / "a.jpg", quality=95, subsampling=0)
    with Image.open(tmp_path / "a.jpg") as photo:
        whole = np.asarray(photo)
    expected = cv2.resize(whole, (cols, rows), interpolation=cv2.INTER_AREA).astype(int)
    read = read_image(tmp_path / "a.jpg", image_size=(rows, cols))
    assert np.abs(read - expected).mean() < 1
    assert np.abs(read - expected).max() <= 4


@pytest.mark.parametrize(
    ("orientation", "sizes"), [(1, [(240, 320), (480, 640)]), (6, [(320, 240), *[(640, 480)] * 2])]
)
def test_a_turned_jpeg_is_never_shrunk_below_its_size_after_the_turn(
    tmp_path, decoded, orientation, sizes
):
    """Of 480 x 640 a half has 300 columns; turned, it has not, and is decoded in full."""
    pixels = picture(480, 640)
    with_orientation(tmp_path / "a.jpg", pixels, orientation, quality=95, subsampling=0)
    with Image.open(tmp_path / "a.jpg") as photo:
        upright = np.asarray(ImageOps.exif_transpose(photo))
    for rows, cols in ((200, 300), (300, 200)):
        expected = cv2.resize(upright, (cols, rows), interpolation=cv2.INTER_AREA).astype(int)
        read = read_image(tmp_path / "a.jpg", image_size=(rows, cols))
        assert np.abs(read - expected).mean() < 1
    assert decoded == sizes


@pytest.mark.parametrize(("cols", "expected"), [(4, [0, 0, 100, 100]), (3, [0, 50, 100])])
def test_a_stretched_pixel_is_the_mean_of_what_it_covers(tmp_path, cols, expected):
    """Of two pixels 0, 100 the middle one of three covers half of each."""
    cv2.imwrite(str(tmp_path / "row.png"), np.array([[0, 100]], np.uint8))
    read = read_image(tmp_path / "row.png", image_size=(1, cols), channels=1)
    np.testing.assert_array_equal(read[0, :, 0], expected)


def test_shrinks_one_axis_and_stretches_the_other_each_by_its_rule(tmp_path):
    stripes = np.tile(np.array([0, 200], np.uint8), (3, 400))  # 800 columns that average to 100
    cv2.imwrite(str(tmp_path / "a.png"), stripes)
    read = read_image(tmp_path / "a.png", image_size=(9, 100))
    assert read.shape == (9, 100, 3)
    np.testing.assert_array_equal(read, 100)


@pytest.mark.parametrize("image_size", [(1, 1), (47, 64), (48, 64), (97, 31)])
@pytest.mark.parametrize("channels", [1, 3])
def test_gives_the_size_asked_for(tmp_path, image_size, channels):
    Image.fromarray(picture()).save(tmp_path / "a.png")
    read = read_image(tmp_path / "a.png", image_size=image_size, channels=channels)
    assert read.shape == (*image_size, channels)
    assert read.flags.c_contiguous


def test_reads_names_beyond_ascii(tmp_path):
    path = tmp_path / "Straße @52.2@0.1@ 東京.jpg"
    Image.fromarray(picture()).save(path)
    assert read_image(str(path)).shape == (48, 64, 3)


def test_refuses_a_missing_file_and_a_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"There is no photo .*gone\.jpg\. Check"):
        read_image(tmp_path / "gone.jpg")
    with pytest.raises(UnreadableImageError, match="must be a regular file. Received: a folder"):
        read_image(tmp_path)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif", ".bmp", ".ppm"])
@pytest.mark.parametrize("kept", [0.02, 0.5, 0.99])
def test_refuses_a_file_that_is_cut_off(tmp_path, suffix, kept):
    path = tmp_path / f"photo{suffix}"
    noise = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(UnreadableImageError) as error:
        read_image(path)
    assert str(path) in str(error.value)
    assert "Fetch or export it again" in str(error.value)
    assert "\n" not in str(error.value)


def test_refuses_a_file_that_is_no_photo(tmp_path):
    path = tmp_path / "notes.jpg"
    path.write_bytes(b"not a photo at all")
    with pytest.raises(UnreadableImageError, match="is not a JPEG, PNG"):
        read_image(path)
    assert issubclass(UnreadableImageError, ValueError)


def test_refuses_a_bomb_before_decoding_it(tmp_path, monkeypatch):
    path = tmp_path / "bomb.png"
    Image.new("1", (20_000, 20_000)).save(path)
    assert path.stat().st_size < 1_000_000
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("it was decoded"))
    with pytest.raises(UnreadableImageError, match="20000 x 20000 pixels, more than 100000000"):
        read_image(path)
    with pytest.raises(UnreadableImageError, match="more than 399999999"):
        read_image(path, max_pixels=399_999_999)


@pytest.mark.parametrize("image_size", [(0, 4), (4, -1), (4,), (1, 2, 3)])
def test_refuses_a_wrong_size(tmp_path, image_size):
    with pytest.raises(ValueError, match="`image_size` must be"):
        read_image(tmp_path / "a.png", image_size=image_size)


def test_refuses_other_numbers_of_channels(tmp_path):
    with pytest.raises(ValueError, match="Received: channels=4"):
        read_image(tmp_path / "a.png", channels=4)


def test_bad_files_leave_stderr_empty(tmp_path):
    """In a process of its own, as OpenCV writes past Python's sys.stderr."""
    Image.fromarray(picture(120, 160)).save(tmp_path / "a.tif")
    data = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "a.tif").write_bytes(data[: len(data) // 2])
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40))
    (tmp_path / "a.bmp").write_bytes(b"BM" + bytes(99))
    script = (
        "import sys, cv2\n"
        "from placevec.images import read_image\n"
        "level = cv2.utils.logging.getLogLevel()\n"
        "for path in sys.argv[1:]:\n"
        "    try:\n"
        "        read_image(path)\n"
        "    except ValueError:\n"
        "        print('refused')\n"
        "print(cv2.utils.logging.getLogLevel() == level)\n"
    )
    paths = [str(tmp_path / f"a.{suffix}") for suffix in ("tif", "png", "bmp")]
    run = subprocess.run(
        [sys.executable, "-c", script, *paths],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OPENCV_LOG_LEVEL": "WARNING"},
    )
    assert run.stdout.split() == ["refused"] * 3 + ["True"]
    assert run.stderr == ""


def test_threads_put_the_log_level_back(tmp_path):
    path = tmp_path / "a.jpg"
    Image.fromarray(picture()).save(path)
    before = cv2.utils.logging.getLogLevel()
    expected = read_image(path)
    wrong = []

    def read_many():
        wrong.extend(k for k in range(50) if not np.array_equal(read_image(path), expected))

    threads = [threading.Thread(target=read_many) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert cv2.utils.logging.getLogLevel() == before


def test_equals_pillow_on_a_real_photo(shared_data):
    path = sorted(shared_data("cambridge", "train", "images").glob("*.jpg"))[0]
    with Image.open(path) as photo:
        expected = np.asarray(photo.convert("RGB")).astype(int)
    assert np.abs(read_image(path) - expected).max() <= 3


@pytest.mark.hypothesis
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif", ".bmp", ".ppm"])
def test_survives_damage(tmp_path, suffix):
    path = tmp_path / f"photo{suffix}"
    with_exif = {} if suffix in (".bmp", ".ppm") else {"orientation": 6}
    if with_exif:
        with_orientation(path, picture(12, 16), **with_exif)
    else:
        Image.fromarray(picture(12, 16)).save(path)
    good = path.read_bytes()

    @given(st.lists(st.tuples(st.integers(0, len(good)), st.binary(max_size=4)), max_size=4),
           st.integers(0, len(good)))  # fmt: skip
    def damage(changes, cut):
        data = bytearray(good)
        for at, new in changes:
            data[at : at + len(new)] = new
        path.write_bytes(data if changes else data[:cut])
        try:
            pixels = read_image(path, max_pixels=10_000)
        except UnreadableImageError as error:
            assert "\n" not in str(error)
        else:
            assert pixels.dtype == np.uint8 and pixels.size <= 30_000

    damage()


@given(
    st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF", b"II*\0", b"BM", b"P6 "]),
    st.binary(max_size=100),
)
def test_a_header_of_noise_is_refused_or_has_a_size(start, noise):
    try:
        rows, cols = read_header(start + noise)
    except ValueError as error:
        assert "\n" not in str(error)
    else:
        assert rows >= 1 and cols >= 1


def test_a_huge_png_is_refused_before_it_is_decoded(tmp_path, monkeypatch):
    path = tmp_path / "bomb.png"
    Image.fromarray(picture()).save(path)
    data = bytearray(path.read_bytes())
    data[16:24] = struct.pack(">II", 100_000, 100_000)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    path.write_bytes(data)
    monkeypatch.setattr(cv2, "imdecode", None)
    with pytest.raises(UnreadableImageError, match="100000 x 100000 pixels, more than 100000000"):
        read_image(path)


def test_odd_files_with_the_name_of_a_photo_neither_wait_nor_fill_the_memory(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "device.jpg").symlink_to("/dev/zero")
    with open(tmp_path / "sparse.jpg", "wb") as file:
        file.truncate(200 * 2**30)
    for name, what in (("pipe", "pipe"), ("device", "device"), ("sparse", "600,000,000 bytes")):
        for read in (read_image, read_gps):
            if (name, read) != ("sparse", read_gps):  # which has a limit of its own
                with pytest.raises(ValueError, match=rf"{name}\.jpg must .*{what}"):
                    read(tmp_path / f"{name}.jpg")
        assert what in condition_of(tmp_path / f"{name}.jpg").problem
    with pytest.raises(ValueError, match="sparse.jpg must have at most"):
        read_gps(tmp_path / "sparse.jpg")


def test_a_damaged_photo_writes_nothing_to_standard_error(tmp_path, capfd):
    data = bytearray(cv2.imencode(".jpg", picture(200, 300))[1].tobytes())
    data[-900:-800] = b"\xff\xd9" * 50
    (tmp_path / "a.jpg").write_bytes(data)
    Image.fromarray(picture()).save(tmp_path / "b.png", icc_profile=b"bad" * 40)
    for name in ("a.jpg", "b.png"):
        read_image(tmp_path / name)
    print("heard", file=sys.stderr, flush=True)
    assert capfd.readouterr().err == "heard\n"
