import re

from placevec.cli import main
from placevec.store import DescriptorStore, StoreWriter


def test_a_store_is_described_indexed_searched_and_shortened(
    places, model_path, tmp_path, capsys, refused_in_one_line
):
    store, model = tmp_path / "store", ["--model", str(model_path)]
    photos = f"folder:{places}"
    describe = ["describe", photos, *model, "--out", str(store), "--image-size", "32", "48"]
    main(describe)
    line = f"6 descriptors of 3 dimensions in {store}, 6 of them new, photos resized to 32x48; "
    assert capsys.readouterr().out.startswith(line)
    main(describe)
    assert "0 of them new" in capsys.readouterr().out
    main(["index", str(store), "--auto", "--recall", "0.5"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "measured on 6 of 6 photos, each without itself:"
    assert re.match(rf"\w+ of 6 photos in {store}: recall@10 \d", lines[-1])
    main(["index", str(store), "--kind", "hnsw"])
    assert capsys.readouterr().out.startswith(f"hnsw of 6 photos in {store}: recall@10 1.000, ")
    main(["search", str(store), photos, *model, "--matches", "1", "--radius-m", "5"])
    rows = [row.split(",") for row in capsys.readouterr().out.splitlines()]
    assert rows[0][:4] == ["query", "rank", "match", "similarity"]
    assert {row[0]: row[2] for row in rows[1:]} == {
        f"@{100 * place + side}@0@.jpg": f"@{100 * place + 1 - side}@0@.jpg"
        for place in range(3) for side in range(2)
    }  # fmt: skip
    main(["remove", str(store), "@0@0@.jpg", "--compact"])
    assert capsys.readouterr().out == f"5 photos in {store}, 1 removed\n"
    assert not list(store.glob("index*"))
    main(["search", str(store), photos, *model, "--matches", "1"])
    assert len(capsys.readouterr().out.splitlines()) == 7
    with StoreWriter.open(store):
        assert "Another process writes to" in refused_in_one_line(["index", store])
    names = DescriptorStore.open(store).table()["name"].tolist()
    main(["remove", str(store), *names[1:]])
    capsys.readouterr()
    assert "An index needs at least 2 photos. Received: 1" in refused_in_one_line(["index", store])


def test_statistics_of_the_map_are_fitted_or_not(places, model_path, tmp_path, capsys):
    store, model = tmp_path / "store", ["--model", str(model_path)]
    photos = f"folder:{places}"
    main(["describe", photos, *model, "--out", str(store), "--image-size", "32", "48"])
    main(["index", str(store), "--kind", "sq8", "--dim", "2"])
    manifest = DescriptorStore.open(store).manifest
    assert (manifest.statistics.num_photos, manifest.statistics.dim) == (6, 2)
    assert manifest.index.statistics == manifest.statistics.number
    search = ["search", str(store), photos, *model, "--matches", "1"]
    capsys.readouterr()
    main([*search, "--normalize", "own", "--hubness", "csls_batch"])
    assert len(capsys.readouterr().out.splitlines()) == 7
    main(["info", str(store)])
    assert "of 6 photos, to 2 dimensions" in capsys.readouterr().out
    main(["index", str(store), "--no-statistics"])
    assert DescriptorStore.open(store).manifest.statistics is None


def test_dimensions_need_statistics(refused_in_one_line):
    refused = refused_in_one_line(["index", "store", "--no-statistics", "--dim", "2"])
    assert "`dim` has no effect without `statistics`. Received: dim=2" in refused
