import pytest

from placevec.checking.splits import read_splits
from placevec.places import PlaceDataset

PHOTOS = PlaceDataset("photos", ["b.jpg", "a.jpg", "c.jpg"], place_ids=[0, 0, 1])


def test_reads_the_splits_in_the_order_of_the_photos(tmp_path):
    table = tmp_path / "splits.csv"
    table.write_text("split,file,role\nval,./a.jpg,query\ntrain,b.jpg,\ntest,zebra.jpg,\n")
    splits = read_splits(table, PHOTOS)
    assert [splits.labels[i] for i in splits.ids[:2]] == ["train", "val"]
    assert splits.ids[2] == -1
    assert not len(splits.in_two)


def test_a_table_without_rows_puts_no_photo_in_a_split(tmp_path):
    table = tmp_path / "splits.csv"
    table.write_text("file,split\n")
    assert read_splits(table, PHOTOS).ids.tolist() == [-1, -1, -1]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("file,part\na.jpg,x\n", "No column `split` in .*it has: file, part"),
        ("split\nx\n", "No column `file`"),
        ("file,split\n../a.jpg,x\n", "stay inside"),
        ("file,split\na.jpg\n", "must have 2 cells"),
    ],
)
def test_refuses_other_tables_in_one_line(tmp_path, text, match):
    (tmp_path / "splits.csv").write_text(text)
    with pytest.raises(ValueError, match=match) as caught:
        read_splits(tmp_path / "splits.csv", PHOTOS)
    assert "\n" not in str(caught.value)
