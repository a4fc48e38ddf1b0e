import cv2
import numpy as np
import pandas as pd
import pytest

from placevec.retrieval import Found
from placevec.retrieval.found.page import write_page
from placevec.retrieval.found.table import found_csv, write_csv


@pytest.fixture
def found(tmp_path):
    cv2.imwrite(str(tmp_path / "q.png"), np.zeros((30, 40, 3), np.uint8))
    table = pd.DataFrame(
        {
            "query": ["q.png"] * 2,
            "rank": [1, 2],
            "match": ["<b>.png", "=gone.png"],
            "similarity": [0.9, 0.8123],
            "gap": [0.1234, np.nan],
            "distance_m": [3.5, np.nan],
            "inliers": pd.array([7, None], "Int64"),
            "lat": [52.1, np.nan],
            "lon": [0.1, np.nan],
        }
    )
    return Found(table, tmp_path, tmp_path)


def test_the_page_says_what_is_known_of_each_match(found, tmp_path):
    write_page(found, tmp_path / "a.html")
    text = (tmp_path / "a.html").read_text()
    assert (
        "1: similarity 0.9, gap 0.1234, 3.5 m from the query, 7 points, 52.100000, 0.100000"
        '<span class="name">&lt;b&gt;.png</span>' in text
    )
    assert '<figcaption>2: similarity 0.8123<span class="name">=gone.png</span>' in text
    assert (
        "1 query, the best match first" in text and text.count("file of this photo is missing") == 2
    )


def test_lines_join_a_query_and_its_first_match(found, tmp_path):
    cv2.imwrite(str(tmp_path / "<b>.png"), np.zeros((30, 40, 3), np.uint8))
    points = {"q.png": [np.array([[0.5, 0.5, 0.5, 0.5]]), np.zeros((0, 4))]}
    write_page(Found(found.table, tmp_path, tmp_path, points), tmp_path / "a.html")
    text = (tmp_path / "a.html").read_text()
    assert "M0.250 0.500L0.750 0.500" in text and text.count("<figure") == 2
    assert "<figcaption>query<" not in text and '<span class="name">&lt;b&gt;.png</span>' in text


def test_a_page_of_many_queries_says_how_many_it_shows(found, tmp_path, monkeypatch):
    monkeypatch.setattr("placevec.retrieval.found.page._MOST_PHOTOS", 5)
    tables = [found.table.assign(query=f"{number}.png") for number in range(3)]
    many = Found(pd.concat(tables), tmp_path, tmp_path)
    write_page(many, tmp_path / "a.html")
    assert "3 queries, the best match first. The first 1 are shown." in (
        tmp_path / "a.html"
    ).read_text().replace("\n", " ")


def test_no_cell_of_the_table_is_a_formula(found, tmp_path):
    write_csv(found, tmp_path / "a.csv")
    text = (tmp_path / "a.csv").read_text()
    assert text == found_csv(found.table)
    assert "q.png,2,./=gone.png,0.8123,,,,," in text
