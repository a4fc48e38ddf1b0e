import base64
import json
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placevec.rendering.worlds.formats.gltf_file import read_document, read_gltf, refuse_bad
from placevec.rendering.worlds.load_world import load_world
from placevec.rendering.worlds.model import UnreadableModelError
from tests.rendering.worlds.conftest import WALL

pytest.importorskip("gltf")

POSITIONS = np.array([[-2, 0, -5], [2, 0, -5], [2, 4, -5], [-2, 4, -5]], "<f4")
UVS = np.array([[0, 1], [1, 1], [1, 0], [0, 0]], "<f4")
BLOB = POSITIONS.tobytes() + UVS.tobytes() + np.array([0, 1, 2, 0, 2, 3], "<u2").tobytes()


def document(buffer, image=None):
    """A wall 4 m wide and high, 5 m ahead."""
    color = {"baseColorTexture": {"index": 0}} if image else {"baseColorFactor": [1, 0.5, 0, 1]}
    described = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [
            {
                "primitives": [
                    {
                        "attributes": {"POSITION": 0, "TEXCOORD_0": 1},
                        "indices": 2,
                        "material": 0,
                    }
                ]
            }
        ],
        "materials": [{"pbrMetallicRoughness": color}],
        "accessors": [
            {"bufferView": 0, "componentType": 5126, "count": 4, "type": "VEC3"},
            {"bufferView": 1, "componentType": 5126, "count": 4, "type": "VEC2"},
            {"bufferView": 2, "componentType": 5123, "count": 6, "type": "SCALAR"},
        ],
        "bufferViews": [
            {"buffer": 0, "byteOffset": 0, "byteLength": 48},
            {"buffer": 0, "byteOffset": 48, "byteLength": 32},
            {"buffer": 0, "byteOffset": 80, "byteLength": 12},
        ],
        "buffers": [{"byteLength": len(BLOB)} | buffer],
    }
    if image:
        described |= {"textures": [{"source": 0}], "images": [image]}
    return described


def inline(content, kind="application/octet-stream"):
    return {"uri": f"data:{kind};base64,{base64.b64encode(content).decode()}"}


def glb(described, blob=BLOB):
    text = json.dumps(described).encode()
    text += b" " * (-len(text) % 4)
    parts = struct.pack("<I4s", len(text), b"JSON") + text
    parts += struct.pack("<I4s", len(blob), b"BIN\0") + blob
    return b"glTF" + struct.pack("<II", 2, 12 + len(parts)) + parts


@pytest.mark.parametrize("form", ["files", "inline", "glb"])
def test_says_the_same_as_obj(write, wall, form):
    picture = write("wall.png", WALL).read_bytes()
    if form == "files":
        write("a.bin", BLOB)
        path = write("a.gltf", json.dumps(document({"uri": "a.bin"}, {"uri": "wall.png"})))
    elif form == "inline":
        images = inline(picture, "image/png")
        path = write("a.gltf", json.dumps(document(inline(BLOB), images)))
    else:
        described = document({}, {"bufferView": 3, "mimeType": "image/png"})
        view = {"buffer": 0, "byteOffset": len(BLOB), "byteLength": len(picture)}
        described["bufferViews"].append(view)
        path = write("a.glb", glb(described, BLOB + picture))
    world, expected = load_world(path), load_world(wall, up="y")
    for part in ("positions_m", "uvs", "tints", "texture_of"):
        np.testing.assert_allclose(getattr(world, part), getattr(expected, part), atol=1e-6)
    np.testing.assert_array_equal(world.textures[1], expected.textures[1])
    assert not world.problems


def test_colors_of_materials_are_turned_from_linear_light(write):
    model = read_gltf(write("a.gltf", json.dumps(document(inline(BLOB)))))
    np.testing.assert_allclose(model.tints[0, 0], [1, 0.5 ** (1 / 2.2), 0], atol=1e-3)


def test_nodes_move_what_hangs_on_them(write):
    described = document(inline(BLOB))
    described["nodes"][0]["translation"] = [10, 20, 30]
    model = read_gltf(write("a.gltf", json.dumps(described)))
    np.testing.assert_allclose(model.positions[0, 0], [8, 20, 25], atol=1e-5)


def test_a_missing_texture_is_reported_and_one_outside_never_read(write, tmp_path):
    write("secret.png", WALL)
    for uri in ("gone.png", "../secret.png", str(tmp_path / "secret.png")):
        path = write("model/a.gltf", json.dumps(document(inline(BLOB), {"uri": uri})))
        model = read_gltf(path)
        assert len(model.positions) == 2 and len(model.textures) == 1
        assert "There is no texture" in model.problems[0]


def test_refuses_buffers_outside_its_folder(write):
    write("a.bin", BLOB)
    path = write("model/a.gltf", json.dumps(document({"uri": "../a.bin"})))
    with pytest.raises(UnreadableModelError, match="The buffer '../a.bin' must be in"):
        read_gltf(path)


def test_a_picture_is_not_taken_for_a_missing_buffer(write, wall):
    path = write("a.gltf", json.dumps(document({"uri": "wall.bin"})))
    with pytest.raises(UnreadableModelError, match="The buffer 'wall.bin' must be in"):
        read_gltf(path)


def test_refuses_counts_beyond_the_file_and_shared_nodes(write):
    described = document(inline(BLOB))
    described["accessors"][0]["count"] = 10**12
    with pytest.raises(UnreadableModelError, match="counts 1000000000000 elements"):
        read_gltf(write("a.gltf", json.dumps(described)))
    described = document(inline(BLOB))
    described["nodes"].append({"children": [0, 0]})
    with pytest.raises(UnreadableModelError, match="two parents"):
        read_gltf(write("a.gltf", json.dumps(described)))


def test_prints_nothing(write, capfd):
    described = document(inline(BLOB), {"uri": "gone.png"})
    described["textures"].append({})
    read_gltf(write("a.gltf", json.dumps(described)))
    assert capfd.readouterr() == ("", "")


@given(data=st.data())
def test_damaged_files_give_a_model_or_one_line(write, data):
    text = json.dumps(document(inline(BLOB))) if data.draw(st.booleans()) else None
    content = bytearray(text.encode() if text else glb(document({})))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(content)))
    path = write("a.glb", bytes(content[: cut if data.draw(st.booleans()) else None]))
    try:
        read_gltf(path)
    except UnreadableModelError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("[]", "not an object"),
        ('{"a":' * 5000 + "1" + "}" * 5000, "at most 100 levels"),
        ('{"scenes": [{"nodes": [0, 0]}], "nodes": [{}]}', "two parents"),
        ('{"scenes": 3}', ""),
    ],
)
def test_json_that_is_no_document_is_one_line_that_names_the_file(write, text, what):
    with pytest.raises(UnreadableModelError, match=rf"a.gltf cannot be .*{what}") as refusal:
        read_gltf(write("a.gltf", text.encode()))
    assert str(refusal.value).isprintable()


def test_nodes_times_parts_of_their_meshes_are_counted_before_they_are_copied():
    part = {"attributes": {"POSITION": 0}, "indices": 1}
    data = {
        "accessors": [{"count": 1000}, {"count": 3000}],
        "meshes": [{"primitives": [part] * 10}],
        "nodes": [{"mesh": 0}] * 1000,
    }
    buffers = [bytes(60_000)]
    refuse_bad(data, buffers)  # 30 million corners
    for changes in ({"nodes": data["nodes"] * 2}, {"meshes": [{"primitives": [part] * 10_001}]}):
        with pytest.raises(UnreadableModelError, match="at most 10,000,000 triangles"):
            refuse_bad({**data, **changes}, buffers)
    with pytest.raises(UnreadableModelError, match="triangles"):
        refuse_bad({"nodes": [{}] * 100_001}, buffers)


def test_only_the_scene_that_is_shown_is_kept_and_no_animation(write):
    text = b'{"scene": 1, "scenes": [{"nodes": [0]}, {"nodes": [1]}], "animations": [{}]}'
    assert read_document(write("a.gltf", text)) == {"scene": 0, "scenes": [{"nodes": [1]}]}


@pytest.mark.parametrize(
    ("view", "accessor"),
    [
        ({"byteLength": 37}, {}),
        ({"byteOffset": -1}, {}),
        ({}, {"count": 4}),
        ({}, {"byteOffset": 4}),
        ({"byteStride": 16}, {}),
        ({}, {"count": -1}),
    ],
)
def test_numbers_beyond_the_end_of_their_bytes_are_refused(view, accessor):
    """Panda3D reads them all the same, and may end the process."""
    data = {
        "bufferViews": [{"buffer": 0, "byteLength": 36}],
        "accessors": [{"bufferView": 0, "componentType": 5126, "type": "VEC3", "count": 3}],
    }
    refuse_bad(data, [bytes(36)])
    data["bufferViews"][0] |= view
    data["accessors"][0] |= accessor
    with pytest.raises(UnreadableModelError, match="A view must be|An accessor counts"):
        refuse_bad(data, [bytes(36)])
