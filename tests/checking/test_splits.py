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
