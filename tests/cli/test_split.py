import shutil

from placevec.cli import main


def test_splits_and_opens_the_splits(places, tmp_path, model_path, capsys, refused_in_one_line):
    folder = tmp_path / "set"
    shutil.copytree(places, folder)
    main(["split", str(folder), "--val-share", "0.3", "--test-share", "0.3", "--model",
          str(model_path), "--duplicate-bits", "None"])  # fmt: skip
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "train: 2 photos (2 both)"
    assert [line.split(":")[0] for line in lines[1:3]] == ["val", "test"]
    assert lines[-1] == f"{folder}/splits.csv: open a split as folder:{folder}#train"
    main(["evaluate", f"{folder}#train", "--model", str(model_path)])
    assert "recall@1" in capsys.readouterr().out
    assert "has a split already" in refused_in_one_line(["split", folder])
