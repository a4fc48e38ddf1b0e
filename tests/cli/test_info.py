from placevec.cli import main


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


def test_info_takes_an_old_model(shared_data, capsys):
    path = shared_data("weights", "cartwheel", "mobilenetv2_block9_k16_color_240x320.h5")
    main(["info", str(path)])
    assert "parameters  250,832 (" in capsys.readouterr().out


def test_info_refuses_a_size_of_nothing(model_path, refused_in_one_line):
    command = ["info", model_path, "--image-size", "0", "64"]
    assert "at least 1. Received: image_size=(0, 64)" in refused_in_one_line(command)
