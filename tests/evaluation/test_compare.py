import json

import keras
import numpy as np
import pytest

from placevec.evaluation import compare, evaluate
from placevec.models import model_id
from placevec.places import PlaceDataset


@pytest.fixture
def photos(write_photos, tmp_path):
    """Queries red, green, blue at 0, 100 and 200 m; the same in the database, ten metres on."""
    colors = [(250, 0, 0), (0, 250, 0), (0, 0, 250)]
    names = [path.name for path in write_photos([*colors, *(tuple(9 + np.array(colors) % 246))])]
    return PlaceDataset(
        tmp_path,
        names,
        positions_m=[[east, 0.0] for east in (0, 100, 200, 10, 110, 210)],
        headings_deg=[0.0, 0.0, 0.0, 5.0, 5.0, 180.0],
        is_query=[1, 1, 1, 0, 0, 0],
        is_database=[0, 0, 0, 1, 1, 1],
    )


def test_measures_models_and_descriptors_side_by_side(photos, mean_color, tmp_path):
    descriptors = np.eye(6, 3)[[0, 1, 2, 1, 0, 2]]
    np.save(tmp_path / "theirs.npy", descriptors.astype(np.float32))
    found = compare(
        photos, [mean_color, tmp_path / "theirs.npy"], out=tmp_path / "report", image_size=(32, 48)
    )
    assert [each.recall[1] for each in found.values()] == [1.0, pytest.approx(1 / 3)]
    metrics = json.loads((tmp_path / "report" / "metrics.json").read_text())
    assert set(metrics) == set(found) and "theirs" in found
    assert (tmp_path / "report" / "report.html").is_file()


@pytest.mark.parametrize("judge", [evaluate, lambda photos, model, **given: compare(
    photos, [model], **given)])  # fmt: skip
def test_a_file_of_yours_stays_unless_it_may_be_replaced(judge, photos, tmp_path):
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "predictions.csv").write_text("mine")
    descriptors, out = np.eye(6, dtype=np.float32), tmp_path / "report"
    with pytest.raises(FileExistsError, match="already has predictions.csv. .*`--overwrite`"):
        judge(photos, descriptors, out=out)
    assert (out / "predictions.csv").read_text() == "mine"
    judge(photos, descriptors, out=out, overwrite=True)
    assert (out / "predictions.csv").read_text().startswith("model,query")


@pytest.mark.parametrize(
    ("model", "match"),
    [("tiny,small", "`--model tiny small`. Received: tiny,small"), ("tiny", "Received: 'tiny'")],
)
def test_a_text_is_no_list_of_models(photos, model, match):
    with pytest.raises(ValueError, match=match):
        compare(photos, model)


def test_open_models_are_labeled_by_their_names(photos, mean_color, tmp_path):
    def turned(pixels):
        return mean_color(pixels)[:, ::-1]

    found = compare(photos, [mean_color, turned], image_size=(32, 48))
    assert list(found) == [mean_color.__name__, "turned"]
    evaluate(photos, np.eye(6, dtype=np.float32), out=tmp_path / "report")
    assert list(json.loads((tmp_path / "report" / "metrics.json").read_text())) == ["descriptors"]


def test_open_keras_models_are_labeled_by_their_ids(photos):
    inputs = keras.Input((32, 48, 3))
    models = [
        keras.Model(inputs, keras.layers.Flatten()(pool(8)(inputs)))
        for pool in (keras.layers.AveragePooling2D, keras.layers.MaxPooling2D)
    ]
    assert list(compare(photos, models)) == [model_id(model) for model in models]


def test_says_that_other_programs_and_functions_show_no_clusters(photos, mean_color, tmp_path):
    np.save(tmp_path / "theirs.npy", np.eye(6, dtype=np.float32))
    for model, said in ((tmp_path / "theirs.npy", "other programs"), (mean_color, "function")):
        out = tmp_path / said.split()[0]
        compare(photos, [model], out=out, image_size=(32, 48), cluster_maps=2)
        text = (out / "report.html").read_text()
        assert "Where each cluster looks" in text and said in text


def test_the_rule_of_tokyo_24_7_is_applied_and_named(photos, mean_color, tmp_path):
    photos.positions_m[4] = photos.positions_m[3]  # two views of one panorama, red and green
    settings = {"image_size": (32, 48), "one_answer_per_position": True}
    (found,) = compare(photos, [mean_color], out=tmp_path / "report", **settings).values()
    assert (found.neighbors >= 0).sum(axis=1).tolist() == [2, 2, 2]
    assert found.neighbors[:2, 0].tolist() == [0, 1]  # the view that is most like each query
    text = (tmp_path / "report" / "report.html").read_text()
    assert "the rule of Tokyo 24/7" in text and "the rule of Tokyo 24/7" in str(found)


def test_answers_that_look_elsewhere_are_wrong(photos, mean_color):
    (found,) = compare(
        photos, [mean_color], max_heading_difference_deg=90.0, image_size=(32, 48)
    ).values()
    assert [len(right) for right in found.relevant] == [1, 1, 0]


def test_headings_must_be_known(photos, mean_color):
    photos.headings_deg[0] = np.nan
    with pytest.raises(ValueError, match="needs photos whose headings are all known"):
        compare(photos, [mean_color], max_heading_difference_deg=90.0)


def test_refuses_one_label_for_two_and_a_missing_folder(photos, mean_color, tmp_path):
    with pytest.raises(ValueError, match="must be named once"):
        compare(photos, [mean_color, mean_color])
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        compare(photos, [mean_color], out=tmp_path / "missing" / "report")
