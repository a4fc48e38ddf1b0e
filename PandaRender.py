"""The old renderer names. They photograph the made town; no window, no model files.

`step(batchsize)` returns `(im_batch, label_batch)`: (B, 240, 320, 3) float32 RGB in [0, 255] and
(B, 4) float32: X (metres east), Y (metres north), Z (height in metres) and yaw (degrees,
clockwise from north). It renders when called, so it never returns `(None, None)`.

    from PandaRender import NetVLADRenderer
    renderer = NetVLADRenderer()
    im_batch, label_batch = renderer.step(16)  # camera 0 query, 1 to 5 near, 6 to 15 far
"""

from placevec.rendering import TownStream


class _Renderer:
    """A stream that opens at the first photo and closes with the object."""

    def __init__(self, seed=0):
        self._stream = TownStream(seed, image_size=(240, 320))
        self._is_open = False

    def _opened(self):
        if not self._is_open:
            self._stream.open()
            self._is_open = True
        return self._stream

    def destroy(self):
        """Gives the renderer back."""
        self._stream.close()
        self._is_open = False

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.destroy()

    def monte_carlo_sample(self):
        """Returns X, Y, Z, yaw, roll, pitch of a camera anywhere in the town."""
        return _pose(self._opened().sample())


class TrainRenderer(_Renderer):
    """Photos of random places. `queue_warning` is taken for old callers; there is no queue."""

    def __init__(self, queue_warning=True, seed=0):
        super().__init__(seed)
        self.queue_warning = queue_warning

    def step(self, batchsize):
        """Returns `batchsize` photos of random places and their labels."""
        photos, labels = self._opened().draw_random(batchsize)
        return photos.astype("float32"), labels


class TestRenderer(_Renderer):
    """Photos along a path. `pathGen(number)` gives X, Y, Z, yaw; by default street after street."""

    __test__ = False  # for pytest, which takes every Test* for a test

    def __init__(self, pathGen=None, seed=0):  # noqa: N803
        super().__init__(seed)
        self.pathGen = pathGen
        self._taken = 0

    def step(self, batchsize):
        """Returns the next `batchsize` photos of the path and their labels."""
        photos, labels = self._opened().draw_path(batchsize, self._taken, self.pathGen)
        self._taken += batchsize
        return photos.astype("float32"), labels


class NetVLADRenderer(_Renderer):
    """Groups of 16 photos: camera 0 the query, 1 to 5 near it, 6 to 15 far from it."""

    def step(self, batchsize):
        """Returns `batchsize` photos, group after group, and their labels."""
        photos, labels = self._opened().draw_groups(batchsize)
        return photos.astype("float32"), labels

    def mc_default(self, cam0X=None, cam0Y=None, cam0Z=None):  # noqa: N803
        """Returns X, Y, Z, yaw, roll, pitch of a camera anywhere in the town."""
        return self.monte_carlo_sample()

    def mc_near(self, cam0X, cam0Y, cam0Z=1.7):  # noqa: N803
        """Returns X, Y, Z, yaw, roll, pitch of a camera at most 10 m from the one given."""
        return _pose(self._opened().sample_near(cam0X, cam0Y))

    def mc_far(self, cam0X, cam0Y, cam0Z=1.7):  # noqa: N803
        """Returns X, Y, Z, yaw, roll, pitch of a camera more than 25 m from the one given."""
        return _pose(self._opened().sample_far(cam0X, cam0Y))


def _pose(camera):
    pose = camera.pose
    height_m = pose.position_m[2]
    return (
        camera.east_m,
        camera.north_m,
        height_m,
        camera.heading_deg,
        pose.roll_deg,
        pose.pitch_deg,
    )
