"""A server that plays the documented answers of Street View and Mapillary, and their faults."""

import base64
import contextlib
import hashlib
import hmac
import json
import math
import threading
import time
from collections import Counter, defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import cv2
import mapbox_vector_tile
import numpy as np
import pytest

KEY = "AIza+key/of=the|test"
SECRET = "c2VjcmV0LW9mLXRlc3Q_-w=="
TOKEN = "MLY|123|abcdef"
ZOOM = 14


def jpeg(number: int, size: tuple[int, int] = (48, 64)) -> bytes:
    pixels = np.random.default_rng(number).integers(0, 256, (*size, 3), np.uint8)
    return cv2.imencode(".jpg", pixels)[1].tobytes()


class FakeServer(ThreadingHTTPServer):
    """Answers with `answer(path, parameters, headers)`; `faults[path or id]` come first, in turn.

    A fault is a status, `"half"`, `"hang"` (half of it, then nothing), `"slow"` (beyond any time
    out of the tests), `"trickle"` (a byte each 0.2 s), `"headers"` (the same of its headers),
    `"damaged"`, `"html"` or `"drop"`.
    """

    daemon_threads = True
    key, secret, token = KEY, SECRET, TOKEN

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked = Counter()
        self.delivered = Counter()  # photos sent whole
        self.faults = defaultdict(list)
        self.hang_after = math.inf
        self.hanging = 0
        self.trickled = 0  # bytes
        self.lock = threading.Lock()
        self.released = threading.Event()
        self.panoramas = {}
        self.images = {}
        self.overrides = {}
        self.photo_url = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def wait_until(self, condition, seconds=60.0):
        until_s = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < until_s, "nothing happened"
            time.sleep(0.01)

    def answer(self, path, parameters, headers):
        """Returns status, content type, body and the name that is counted."""
        if path.startswith("/maps/api/streetview"):
            return self._streetview(path, parameters)
        if path.startswith("/maps/vtp/mly1_public/2/"):
            return self._tile(path, parameters)
        if path.startswith("/photos/"):
            assert "Authorization" not in headers
            return 200, "image/jpeg", jpeg(int(path.split("/")[2])), path
        return self._entity(path, parameters, headers)

    def _streetview(self, path, parameters):
        signed = path + "?" + self.raw_query.rpartition("&signature=")[0]
        secret = base64.urlsafe_b64decode(SECRET)
        digest = hmac.new(secret, signed.encode(), hashlib.sha1).digest()
        expected = base64.urlsafe_b64encode(digest).decode()
        if parameters.get("key") != KEY or parameters.get("signature") != expected:
            return 403, "text/plain", f"bad signature, key {KEY}".encode(), path
        if path.endswith("/metadata"):
            found = [each for each in self.panoramas.values() if _asks_for(each, parameters)]
            answer = found[0] if found else {"status": "ZERO_RESULTS"}
            name = parameters.get("pano") or parameters["location"]
            return 200, "application/json; charset=UTF-8", json.dumps(answer).encode(), name
        name = f"{parameters['pano']}@{float(parameters['heading']):g}"
        if parameters["pano"] not in self.panoramas:
            return 404, "text/html", b"", name
        assert parameters["return_error_code"] == "true"
        assert (parameters["fov"], parameters["pitch"]) == ("90", "0")
        cols, rows = map(int, parameters["size"].split("x"))
        return 200, "image/jpeg", jpeg(len(name), (rows, cols)), name

    def _tile(self, path, parameters):
        if parameters.get("access_token") != TOKEN:
            return 401, "text/plain", str(parameters).encode(), path
        z, col, row = map(int, path.split("/")[5:])
        assert z == ZOOM
        features = []
        for image in self.images.values():
            x, y = _in_tile(image["lat"], image["lon"], col, row)
            if 0 <= x < 4096 and 0 <= y < 4096:
                names = ("id", "sequence_id", "captured_at", "compass_angle", "is_pano")
                features.append({"geometry": f"POINT({x} {y})",
                                 "properties": {name: image[name] for name in names}})  # fmt: skip
        body = mapbox_vector_tile.encode(
            [{"name": "image", "features": features}, {"name": "sequence", "features": []}],
            default_options={"y_coord_down": True},
        )
        return 200, "application/x-protobuf", body, path

    def _entity(self, path, parameters, headers):
        if headers.get("Authorization") != f"OAuth {TOKEN}":
            return 401, "application/json", json.dumps({"token": TOKEN}).encode(), path
        image = self.images.get(int(path[1:]))
        if image is None:
            return 404, "application/json", b'{"error": {"message": "none"}}', path
        answer = {
            "id": str(image["id"]),
            "sequence": image["sequence_id"],
            "captured_at": image["captured_at"],
            "geometry": {"type": "Point", "coordinates": [image["lon"], image["lat"]]},
            "computed_geometry": {"type": "Point",
                                  "coordinates": [image["lon"] + 1e-5, image["lat"] + 1e-5]},
            "compass_angle": image["compass_angle"],
            "computed_compass_angle": image["compass_angle"] - 90.0,
            "altitude": 3.0,
            "computed_altitude": 12.5,
            "camera_type": "perspective",
            "camera_parameters": [0.5, 0.0, 0.0],
            "width": 4000,
            "height": 3000,
            "is_pano": image["is_pano"],
            "creator": {"username": "ann", "id": "7"},
            "thumb_1024_url": f"{self.photo_url or self.url}/photos/{image['id']}",
        }  # fmt: skip
        wanted = parameters["fields"].split(",")
        answer = {name: answer[name] for name in wanted if name in answer}
        answer.update(self.overrides.get(image["id"], {}))
        return 200, "application/json", json.dumps(answer).encode(), path


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):  # noqa: N802
        server = self.server
        parts = urlsplit(self.path)
        parameters = {name: values[0] for name, values in parse_qs(parts.query).items()}
        with server.lock:
            server.raw_query = parts.query
            status, kind, body, name = server.answer(parts.path, parameters, self.headers)
            server.asked[name] += 1
            fault = server.faults[name].pop(0) if server.faults[name] else None
            is_photo = kind == "image/jpeg"
            if is_photo and sum(server.delivered.values()) >= server.hang_after:
                fault = "hang"
            if is_photo and fault is None:
                server.delivered[name] += 1
        headers = {}
        if isinstance(fault, tuple):
            fault, headers = fault
        if isinstance(fault, int):
            status, kind, body = fault, "text/plain", self.path.encode()
        if fault == "damaged":
            body = body[: len(body) // 2]
        if fault == "html":
            kind, body = "text/html", f"<p>{self.path}</p>".encode()
        if fault == "drop":
            self.connection.close()
            return
        if fault == "slow":
            server.released.wait(10)
        if fault == "headers":
            with contextlib.suppress(OSError):
                self._trickle(b"HTTP/1.1 200 OK\r\n" + b"X-Slow: 1\r\n" * 99)
            return
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for each in headers.items():
            self.send_header(*each)
        self.end_headers()
        if fault in ("half", "hang"):
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            if fault == "hang":
                with server.lock:
                    server.hanging += 1
                server.released.wait(30)
            return
        with contextlib.suppress(OSError):
            if fault == "trickle":
                self._trickle(body)
            else:
                self.wfile.write(body)

    def _trickle(self, body):
        for byte in body:
            if self.server.released.wait(0.2):
                return
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            self.server.trickled += 1

    def log_message(self, *_):
        pass


def _asks_for(panorama, parameters):
    if "pano" in parameters:
        return panorama["pano_id"] == parameters["pano"]
    assert parameters["source"] == "outdoor"
    lat, lon = map(float, parameters["location"].split(","))
    north_m = (panorama["location"]["lat"] - lat) * 111_195
    east_m = (panorama["location"]["lng"] - lon) * 111_195 * math.cos(math.radians(lat))
    return math.hypot(north_m, east_m) <= float(parameters["radius"])


def _in_tile(lat, lon, col, row):
    x = ((lon + 180) / 360 * 2**ZOOM - col) * 4096
    mercator = math.log(math.tan(math.pi / 4 + math.radians(lat) / 2))
    y = ((1 - mercator / math.pi) / 2 * 2**ZOOM - row) * 4096
    return round(x), round(y)


@pytest.fixture
def server(monkeypatch):
    """The server, with three panoramas 100 m apart and the keys in the environment."""
    for name, value in (("GOOGLE_MAPS_API_KEY", KEY), ("GOOGLE_MAPS_SIGNING_SECRET", SECRET),
                        ("MAPILLARY_ACCESS_TOKEN", TOKEN)):  # fmt: skip
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("placevec.collecting.client.client.random.uniform", lambda *_: 0.02)
    server = FakeServer()
    for i, month in enumerate(("2019-05", "2021-11", "2023-02")):
        pano_id = f"pano_{'ABC'[i]}"
        server.panoramas[pano_id] = {
            "status": "OK", "pano_id": pano_id, "date": month, "copyright": "© Google",
            "location": {"lat": 52.0 + i * 0.0009, "lng": 4.0},
        }  # fmt: skip
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.released.set()
    server.shutdown()
    server.server_close()
    thread.join()
