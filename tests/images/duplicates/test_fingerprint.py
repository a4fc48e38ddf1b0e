import cv2
import numpy as np
import pytest

from placevec.images.duplicates.fingerprint import (
    NUM_BITS,
    fingerprint,
    near_duplicates,
    near_duplicates_across,
)


def scene(seed, size=(240, 320)):
    rng = np.random.default_rng(seed)
    return cv2.resize(rng.integers(0, 256, (12, 16, 3), dtype=np.uint8), size[::-1])


def write(path, pixels, quality=95):
    cv2.imwrite(str(path), pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return fingerprint(path)


def bits_apart(one, other):
    return sum(
        bin(int(a) ^ int(b)).count("1")
        for a, b in zip(one.perceptual_hash, other.perceptual_hash, strict=True)
    )


def test_equal_files_have_equal_digests(tmp_path):
    one, other = write(tmp_path / "a.jpg", scene(0)), write(tmp_path / "b.jpg", scene(0))
    assert one.digest == other.digest and bits_apart(one, other) == 0
    assert write(tmp_path / "c.jpg", scene(1)).digest != one.digest


@pytest.mark.parametrize(
    "change",
    [
        lambda pixels: (pixels, 40),
        lambda pixels: (cv2.resize(pixels, (200, 150), interpolation=cv2.INTER_AREA), 90),
        lambda pixels: ((pixels * 0.8 + 10).astype(np.uint8), 90),
    ],
    ids=["compressed again", "shrunk", "darker"],
)
def test_a_copy_differs_in_few_bits_and_another_scene_in_many(tmp_path, change):
    original = write(tmp_path / "a.jpg", scene(0))
    copy = write(tmp_path / "b.jpg", *change(scene(0)))
    assert bits_apart(original, copy) < 32
    assert bits_apart(original, write(tmp_path / "c.jpg", scene(1))) > NUM_BITS // 4


def test_a_jpeg_has_the_hash_of_its_decoded_pixels(tmp_path):
    """A decoder that shrinks the photo itself rounds differences of one gray away."""
    pixels = cv2.resize(
        np.random.default_rng(3).integers(96, 160, (9, 12, 3), np.uint8), (640, 480)
    )
    one = write(tmp_path / "a.jpg", pixels)
    decoded = cv2.imread(str(tmp_path / "a.jpg"), cv2.IMREAD_GRAYSCALE)
    assert bits_apart(one, write(tmp_path / "a.png", decoded)) == 0


def test_bits_say_where_it_gets_lighter(tmp_path):
    ramp = np.tile(np.linspace(0, 255, 170, dtype=np.uint8), (170, 1))
    cv2.imwrite(str(tmp_path / "ramp.png"), ramp)
    bits = np.unpackbits(fingerprint(tmp_path / "ramp.png").perceptual_hash.view(np.uint8))
    assert bits[: NUM_BITS // 2].all() and not bits[NUM_BITS // 2 :].any()


@pytest.mark.parametrize("max_bits", [0, 5, 31])
def test_finds_the_pairs_that_comparing_all_finds(max_bits):
    rng = np.random.default_rng(0)
    hashes = rng.integers(0, 2**64, (60, 8), dtype=np.uint64)
    for copy, original in enumerate(rng.integers(0, 30, 30), start=30):
        bits = np.unpackbits(hashes[original].view(np.uint8))
        bits[rng.choice(NUM_BITS, [0, 3, 5, 6, 31, 32][copy % 6], replace=False)] ^= 1
        hashes[copy] = np.packbits(bits).view(np.uint64)
    expected = [
        [i, j]
        for i in range(60)
        for j in range(i + 1, 60)
        if sum(bin(int(a ^ b)).count("1") for a, b in zip(hashes[i], hashes[j], strict=True))
        <= max_bits
    ]
    assert len(expected) >= 5
    assert near_duplicates(hashes, max_bits).tolist() == expected


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_few_photos(count):
    pairs = near_duplicates(np.zeros((count, 8), dtype=np.uint64))
    assert pairs.tolist() == [[i, j] for i in range(count) for j in range(i + 1, count)]


def test_very_many_equal_ones_take_no_quadratic_work():
    pairs = near_duplicates(np.zeros((2000, 8), dtype=np.uint64))
    assert len(pairs) < 65 * 2000
    assert set(pairs.ravel().tolist()) == set(range(2000))


def test_refusals():
    with pytest.raises(ValueError, match=r"shape \(N, 8\)"):
        near_duplicates(np.zeros((3, 4), dtype=np.uint64))
    with pytest.raises(ValueError, match="between 0 and 31"):
        near_duplicates(np.zeros((3, 8), dtype=np.uint64), max_bits=32)


def copies(rng, original, count, most_bits):
    bits = np.tile(np.unpackbits(original.view(np.uint8)), (count, 1))
    for row in bits:
        row[rng.choice(NUM_BITS, rng.integers(0, most_bits + 1), replace=False)] ^= 1
    return np.packbits(bits, axis=1).view(np.uint64)


@pytest.mark.parametrize("max_bits", [0, 8, 31])
def test_across_sides_every_photo_with_a_partner_is_found(max_bits):
    rng = np.random.default_rng(0)
    originals = rng.integers(0, 2**64, (6, 8), dtype=np.uint64)
    hashes = np.concatenate([copies(rng, each, 25, 20) for each in originals])
    sides = rng.integers(-1, 3, len(hashes))
    expected = set()
    for i, side in enumerate(sides):
        for j, other in enumerate(sides):
            apart = sum(
                bin(int(a ^ b)).count("1") for a, b in zip(hashes[i], hashes[j], strict=True)
            )
            if -1 < other < side and apart <= max_bits:
                expected.add((i, int(other)))
    pairs = near_duplicates_across(hashes, sides, max_bits)
    found = [(i, int(sides[j])) for i, j in pairs.tolist()]
    assert set(found) == expected and len(found) == len(expected) > 0
    assert (np.bitwise_count(hashes[pairs[:, 0]] ^ hashes[pairs[:, 1]]).sum(1) <= max_bits).all()


def test_a_camera_that_stood_still_is_found_on_the_other_side():
    """More photos look alike than any is compared with at first."""
    rng = np.random.default_rng(1)
    hashes = copies(rng, np.zeros(8, dtype=np.uint64), 3001, 5)
    sides = np.array([0] + [1] * 3000)
    assert near_duplicates_across(hashes, sides).tolist() == [[i, 0] for i in range(1, 3001)]
    assert near_duplicates_across(hashes, 1 - sides)[:, 0].tolist() == [0]


def test_refuses_sides_that_do_not_fit():
    with pytest.raises(ValueError, match=r"`sides` must have shape \(3,\)"):
        near_duplicates_across(np.zeros((3, 8), dtype=np.uint64), np.zeros(2, dtype=int))


def test_a_frame_has_the_fingerprint_of_a_photo_of_its_pixels(tmp_path):
    video = cv2.VideoWriter(
        str(tmp_path / "walk.mkv"), cv2.VideoWriter_fourcc(*"MJPG"), 30, (320, 240)
    )
    for seed in (0, 1):
        video.write(scene(seed))
    video.release()
    frames = [fingerprint(tmp_path / f"walk.mkv#00000{i}") for i in (0, 1)]
    photos = [write(tmp_path / f"{seed}.jpg", scene(seed)) for seed in (0, 1)]
    assert frames[0].digest != frames[1].digest
    for i in (0, 1):
        assert bits_apart(frames[i], photos[i]) < 32
        assert bits_apart(frames[i], photos[1 - i]) > NUM_BITS // 4
