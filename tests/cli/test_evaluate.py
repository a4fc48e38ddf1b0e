import json

from placevec.cli import main


def test_evaluate_prints_json_of_exactly_these_keys(places, model_path, capsys):
    main(["evaluate", f"folder:{places}", "--model", str(model_path), "--radius-m", "25", "--json",
          "--image-size", "32", "48", "--engine", "keras"])  # fmt: skip
    assert json.loads(capsys.readouterr().out) == {
        "recall": {"1": 1.0, "5": 1.0, "10": 1.0},
        "num_queries": 6,
        "num_queries_without_positive": 0,
        "num_database": 6,
        "descriptor_dim": 3,
    }


def test_evaluate_prints_a_table(places, model_path, capsys):
    main(["evaluate", f"folder:{places}", "--model", str(model_path), "--image-size", "32", "48",
          "--engine", "keras"])  # fmt: skip
    assert capsys.readouterr().out.splitlines() == [
        "recall@1   100.0 %",
        "recall@5   100.0 %",
        "recall@10  100.0 %",
        "num queries: 6",
        "num queries without positive: 0",
        "num database: 6",
        "descriptor dim: 3",
        "radius 25 m, photos resized to 32x48",
        "keras, float32",
        "recall@1 is 100 % on 6 queries and 6 database photos: it is saturated, and cannot show "
        "that another model is better. Add places, or harder photos",
        "recall@10 of a database of 6 photos: 100 % for any model",
    ]


def test_evaluate_prints_what_a_precision_costs(places, model_path, capsys):
    command = ["evaluate", f"folder:{places}", "--model", str(model_path), "--image-size", "32",
               "48", "--engine", "keras", "--precision", "bf16"]  # fmt: skip
    main(command)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "recall@1   100.0 %  (float32: 100.0 %)"
    assert any(line.startswith("keras, bf16: least cosine ") for line in lines)
    main([*command, "--json"])
    summary = json.loads(capsys.readouterr().out)
    assert summary["float32_recall"] == {"1": 1.0, "5": 1.0, "10": 1.0}
    assert summary["precision"] == "bf16"
    assert 0.99 < summary["least_cosine"] < 1.0000001


def test_evaluate_refuses_a_radius_without_any_answer(places, model_path, refused_in_one_line):
    command = ["evaluate", f"folder:{places}", "--model", model_path, "--radius-m", "0.5"]
    assert "6 queries, 6 database photos" in refused_in_one_line(command)


def test_evaluate_stops_at_unreadable_photos_unless_told(
    places, model_path, tmp_path, capsys, refused_in_one_line
):
    for path in places.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "@201@0@.jpg").write_bytes(b"no photo")
    command = ["evaluate", f"folder:{tmp_path}", "--model", str(model_path), "--json",
               "--engine", "keras"]  # fmt: skip
    assert "1 of 6 photos" in refused_in_one_line(command)
    main([*command, "--skip-unreadable"])
    summary = json.loads(capsys.readouterr().out)
    assert (summary["num_queries"], summary["num_queries_without_positive"]) == (5, 1)


def test_evaluate_compares_models_in_a_report(places, model_path, tmp_path, capsys):
    other = tmp_path / "other.keras"
    other.write_bytes(model_path.read_bytes())
    main(["evaluate", f"folder:{places}", "--model", str(model_path), str(other), "--image-size",
          "32", "48", "--engine", "keras", "--out", str(tmp_path / "report")])  # fmt: skip
    printed = capsys.readouterr().out
    assert "\nother\nrecall@1 " in printed and printed.startswith("m\nrecall@1 ")
    assert printed.endswith(f"the report is {tmp_path / 'report' / 'report.html'}\n")
    report = (tmp_path / "report" / "report.html").read_text()
    assert "resamples in which the model of the row has a higher recall@1" in report
