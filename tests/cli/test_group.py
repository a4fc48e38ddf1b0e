from placevec.cli import main


def test_group_prints_how_many_and_writes_them(places, model_path, tmp_path, capsys):
    main(["group", str(places), "--model", str(model_path), "--image-size", "32", "48",
          "--engine", "keras", "--threshold", "0.2", "--out", str(tmp_path / "out")])  # fmt: skip
    assert capsys.readouterr().out == "3 groups of 6 of 6 photos; threshold 0.2, as given\n"
    assert (tmp_path / "out" / "groups.csv").is_file()
