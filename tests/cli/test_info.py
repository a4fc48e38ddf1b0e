import numpy as np

from placevec.cli import main
from placevec.store import StoreWriter


def test_info_prints_layers_and_totals(model_path, capsys):
    main(["info", str(model_path), "--image-size", "10", "20"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [
        "layer", "photos", "pixels", "aggregator", "parameters", "memory", "FLOPs", "photos",
        "by",
    ]  # fmt: skip
    assert lines[2].split()[2] == "10x20x3"
    assert "uint8 RGB, 0 to 255, not scaled; each is resized to 10x20 without keeping" in lines[-2]
    assert "area that a new pixel covers (docs/networks.md, Porting a network)" in lines[-1]


def test_info_of_a_shipped_network_says_its_thresholds(capsys):
    main(["info", "tiny"])
    said = capsys.readouterr().out
    assert "## Smallest gaps for a precision\n\n- loops, sequence 5: " in said
    assert " for 95 % (" in said and "- search: " in said


def test_info_takes_an_old_model(shared_data, capsys):
    path = shared_data("weights", "cartwheel", "mobilenetv2_block9_k16_color_240x320.h5")
    main(["info", str(path)])
    assert "parameters  250,832 (" in capsys.readouterr().out


def test_info_refuses_a_size_of_nothing(model_path, refused_in_one_line):
    command = ["info", model_path, "--image-size", "0", "64"]
    assert "at least 1. Received: image_size=(0, 64)" in refused_in_one_line(command)


def test_info_tells_of_a_store(tmp_path, capsys, refused_in_one_line):
    folder = tmp_path / "store"
    facts = {"model_id": "of a test", "frame": "UTM 31U", "image_size": (48, 64)}
    with StoreWriter.create(folder, **facts) as store:
        store.append(["a.jpg", "b.jpg"], np.eye(3, dtype=np.float32)[:2], np.zeros((2, 2)))
        store.remove(["a.jpg"])
    main(["info", str(folder)])
    told = dict(line.split("  ", 1) for line in capsys.readouterr().out.splitlines())
    told = {what: value.strip() for what, value in told.items()}
    assert told == {
        "store": str(folder),
        "rows": "2 in 1 shard",
        "removed": "1",
        "descriptors": "3 dimensions, float32",
        "model": "of a test",
        "model file": "unknown",
        "precision": "float32",
        "photos": "in an unknown folder, resized to 48x64",
        "positions": "in UTM 31U",
        "local features": "none",
        "index": "none",
        "map statistics": "none",
    }
    line = refused_in_one_line(["info", folder, "--batch-size", "4"])
    assert "`--image-size` and `--batch-size` only apply to models. Received: the store" in line
    (folder / "manifest.json").write_text("{")
    assert "manifest.json" in refused_in_one_line(["info", folder])
