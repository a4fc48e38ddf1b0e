import numpy as np
import pytest

from placevec.sources import open_places
from placevec.sources.tables.photo_table import write_photo_table


def test_the_folder_reader_reads_it_back(photos):
    root = photos("a, b.jpg", "é.jpg")
    write_photo_table(
        root / "positions.csv",
        {
            "file": ["a, b.jpg", "é.jpg"],
            "east": np.array([1.25, 0.1 + 0.2]),
            "north": [2.0, 3.0],
            "heading_deg": [math_nan := float("nan"), 90.0],
            "sequence": ["out", "back"],
            "altitude_m": [None, 12.5],
            "fov_deg": [80.0, 75.0],
            "note": ["anything", ""],
        },
    )
    dataset = open_places(str(root))
    np.testing.assert_array_equal(dataset.positions_m, [[1.25, 2], [0.1 + 0.2, 3]])
    np.testing.assert_array_equal(dataset.headings_deg, [math_nan, 90])
    np.testing.assert_array_equal(dataset.altitudes_m, [math_nan, 12.5])
    np.testing.assert_array_equal(dataset.fields_of_view_deg, [80, 75])
    assert dataset.sequence_ids.tolist() == [1, 0]


def test_an_error_leaves_the_older_table(tmp_path):
    table_path = tmp_path / "positions.csv"
    write_photo_table(table_path, {"file": ["a.jpg"]})
    with pytest.raises(ValueError, match="equal lengths"):
        write_photo_table(table_path, {"file": ["a.jpg"], "lat": []})
    with pytest.raises(ValueError, match="column `file`"):
        write_photo_table(table_path, {"lat": [1.0]})
    assert table_path.read_text() == "file\na.jpg\n"
