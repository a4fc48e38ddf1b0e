import numpy as np
import pytest

from placevec.config import TupleConfig
from placevec.places import TupleSampler
from placevec.sources import open_places
from placevec.sources.benchmarks.gsv_cities import read_gsv_cities

HEADER = "place_id,year,month,northdeg,city_id,lat,lon,panoid"
# Two rows and the name of one photo as the authors print them, and what tests a name's zeros.
LONDON = {
    "London_0000130_2018_04_015_51.4861_-0.0895151_6jFjb3wGyCkcBfq4k559ag.jpg": (
        "130,2018,4,15,London,51.4861,-0.0895151,6jFjb3wGyCkcBfq4k559ag"
    ),
    "London_0000130_2008_09_348_51.531_8.95e-05_W3KMPec54NBqLMzmZmGv-Q.jpg": (
        "130,2008,9,348,London,51.531,0.0000895,W3KMPec54NBqLMzmZmGv-Q"
    ),
    "London_0006793_2016_07_002_51.5187_-0.160767_FF.jpg": (
        "6793,2016,7,2,London,51.5187,-0.160767,FF"
    ),
}
PARIS = {
    "PRS_0000130_2015_05_584_48.79733778544615_2.231461206488333_7P0F_4k-Gg.jpg": (
        "130,2015,5,584,PRS,48.79733778544615,2.231461206488333,7P0F_4k-Gg"
    ),
    "PRS_0000003_2018_05_406_48.7973_2.2314_R2.jpg": "3,2018,5,406,PRS,48.7973,2.2314,R2",
}


@pytest.fixture
def cities(photos):
    root = photos(*(f"Images/London/{name}" for name in LONDON),
                  *(f"Images/PRS/{name}" for name in PARIS))  # fmt: skip
    (root / "Dataframes").mkdir()
    for city, rows in (("London", LONDON), ("PRS", PARIS)):
        (root / "Dataframes" / f"{city}.csv").write_text("\n".join([HEADER, *rows.values()]))
    return root


def test_finds_each_photo_by_its_row(cities):
    dataset = read_gsv_cities(cities)
    assert dataset.names.tolist() == [f"London/{n}" for n in LONDON] + [f"PRS/{n}" for n in PARIS]
    assert all(path.is_file() for path in dataset.paths())
    np.testing.assert_array_equal(dataset.headings_deg, [15, 348, 2, 224, 46])
    years = dataset.times_s.astype("datetime64[s]").astype("datetime64[M]").astype(str)
    assert years.tolist() == ["2018-04", "2008-09", "2016-07", "2015-05", "2018-05"]
    assert len(dataset.queries) == len(dataset.database) == 5


def test_equal_numbers_in_two_cities_are_two_places(cities):
    dataset = open_places(f"gsv_cities:{cities}")
    assert dataset.place_ids.tolist() == [0, 0, 1, 3, 2]
    assert dataset.positions_m is None


def test_positives_are_photos_of_the_same_place(cities):
    sampler = TupleSampler(
        read_gsv_cities(cities),
        **vars(
            TupleConfig(
                num_positives=3, num_negatives=3, positive_radius_m=10.0, negative_radius_m=25.0
            )
        ),
    )
    assert sampler.queries.tolist() == [0, 1]
    _, positives, negatives = sampler.draw(0, np.random.default_rng(0))
    assert positives.tolist() == [1, 1, 1]
    assert sorted(negatives) == [2, 3, 4]


def test_says_which_photos_are_missing(cities, refuses, caplog):
    missing = cities / "Images" / "PRS" / next(iter(PARIS))
    missing.unlink()
    with refuses(FileNotFoundError, r"1 of 2 photos of .*PRS\.csv \(first: PRS/PRS_0000130"):
        read_gsv_cities(cities)
    dataset = read_gsv_cities(cities, skip_unreadable=True)
    assert len(dataset) == 4
    assert "left out" in caplog.text


def test_refuses_a_folder_without_tables(photos, refuses):
    root = photos("Images/London/a.jpg")
    with refuses(FileNotFoundError, "a table for each city"):
        read_gsv_cities(root)
    with refuses(FileNotFoundError, "does not exist"):
        read_gsv_cities(root / "elsewhere")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (HEADER, r"at least one photo. Received: none in .*London\.csv"),
        ("", "No column `place_id` .*it has: none"),
        (HEADER.replace("northdeg", "heading"), "No column `northdeg` .*month, heading, city_id"),
        (f"{HEADER}\n1,2018,4,15,London,51.4,0.1,a\n1,20x8,4,15,London,51.4,0.1,b",
         "`year` must be a whole number. Received: '20x8' in row 2 of"),
        (f"{HEADER}\n1,2018,4,15,London,north,0.1,a", "`lat` must be a number. Received: 'north'"),
        (f"{HEADER}\n1_0,2018,4,15,London,51.4,0.1,a", "`place_id` must be a whole.*'1_0'"),
        (f"{HEADER}\n1,2018,13,15,London,51.4,0.1,a", "Received: year 2018, month 13"),
        (f"{HEADER}\n1,2018,4,15,London,51.4,0.1,/../../../a", "stay inside"),
    ],
)  # fmt: skip
def test_refuses_a_bad_table(photos, refuses, text, match):
    root = photos(
        "Images/London/London_0000001_2018_13_015_51.4_0.1_a.jpg",
        "Images/London/London_0000001_2018_04_015_51.4_0.1_a.jpg",
    )
    (root / "Dataframes").mkdir()
    (root / "Dataframes" / "London.csv").write_text(text)
    with refuses(ValueError, match):
        read_gsv_cities(root)


def test_refuses_a_photo_that_stands_twice(cities, refuses):
    row = next(iter(LONDON.values()))
    (cities / "Dataframes" / "London.csv").write_text("\n".join([HEADER, row, row]))
    with refuses(ValueError, "appear more than once"):
        read_gsv_cities(cities)


def test_survives_damage(cities, survives_damage):
    tables = cities.glob("Dataframes/*.csv")
    survives_damage(lambda: read_gsv_cities(cities, skip_unreadable=True), *tables)


def test_photos_that_are_not_named_are_counted(cities, photos, caplog):
    caplog.set_level("INFO")
    photos("Images/PRS/more.jpg")
    read_gsv_cities(cities)
    assert "1 photo beside those of" in caplog.text and "(first: PRS/more.jpg)" in caplog.text
