from placevec.images.videos.frame_names import find_frame, frame_name, parse_frame_name


def test_names_of_frames_are_told_from_those_of_photos():
    assert parse_frame_name("a/walk.MP4#000120") == ("a/walk.MP4", 120)
    assert parse_frame_name("a#1.mkv#7") == ("a#1.mkv", 7)
    for name in ("walk.mp4", "walk.mp4#", "walk.mp4#x", "walk.mp4#-1", "photo.jpg#3", "#3",
                 "walk.mp4#1.jpg"):  # fmt: skip
        assert parse_frame_name(name) is None


def test_a_name_is_that_of_its_frame():
    assert parse_frame_name(frame_name("a/walk.mkv", 7)) == ("a/walk.mkv", 7)


def test_a_file_that_is_named_like_a_frame_is_none(tmp_path):
    path = tmp_path / "walk.mp4#000003"
    assert find_frame(path) == (str(tmp_path / "walk.mp4"), 3)
    path.touch()
    assert find_frame(path) is None
