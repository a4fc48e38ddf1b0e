import pytest

from placevec.checking.splits import splits_of
from placevec.places import SPLITS, PlaceDataset


@pytest.fixture
def photos(tmp_path):
    return PlaceDataset(tmp_path, ["b.jpg", "a.jpg", "c.jpg", "d.jpg"], place_ids=[0, 0, 1, 1])


def test_tells_the_split_of_each_photo_in_their_order(photos):
    (photos.root / "splits.csv").write_text(
        "split,file,role\nval,./a.jpg,query\ntrain,b.jpg,\ntest,zebra.jpg,\n,d.jpg,\n"
    )
    splits = splits_of(photos)
    assert [SPLITS[i] for i in splits.ids[:2]] == ["train", "val"]
    assert splits.ids[2:].tolist() == [-1, -1]
    assert not len(splits.in_two)


def test_a_table_without_rows_puts_no_photo_in_a_split(photos):
    assert splits_of(photos) is None
    (photos.root / "splits.csv").write_text("file,split,role\n")
    assert splits_of(photos).ids.tolist() == [-1] * 4


def test_finds_a_photo_that_stands_in_two_splits(photos):
    (photos.root / "splits.csv").write_text(
        "file,split,role\nc.jpg,train,\na.jpg,val,\nc.jpg,test,\na.jpg,val,\n"
    )
    assert splits_of(photos).in_two.tolist() == [2]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("file,part\na.jpg,x\n", "must have the columns file, split and role"),
        ("file,split,role\na.jpg,x,\n", "`split` must be one of train, val, test"),
        ("file,split,role\n../a.jpg,val,\n", "stay inside"),
    ],
)
def test_refuses_other_tables_in_one_line(photos, text, match):
    (photos.root / "splits.csv").write_text(text)
    with pytest.raises(ValueError, match=match) as caught:
        splits_of(photos)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("header", "cell", "buffer_m"),
    [("", "", 25), (",buffer_m", ",1", 1), (",buffer_m", ",", 25), (",buffer_m", ",0", 0)],
)
def test_the_buffer_is_that_of_the_split_or_25_m(photos, header, cell, buffer_m):
    text = f"file,split,role{header}\na.jpg,val,{cell}\nb.jpg,train,{cell}\n"
    (photos.root / "splits.csv").write_text(text)
    assert splits_of(photos).buffer_m == buffer_m


@pytest.mark.parametrize("cell", ["-1", "near", "nan", "inf"])
def test_refuses_a_buffer_that_is_no_distance(photos, cell):
    (photos.root / "splits.csv").write_text(f"file,split,role,buffer_m\na.jpg,val,,{cell}\n")
    with pytest.raises(ValueError, match="`buffer_m` must be a number of metres from 0 on"):
        splits_of(photos)
