"""The old renderer names, for any world: the synthetic town or your own 3-D model.

Edit the constants, or pass arguments to each renderer. `step(batchsize)` returns
`(im_batch, label_batch)`: (B, 240, 320, 3) float32 RGB in [0, 255] and (B, 4) float32: X (metres
east), Y (metres north), Z (height in metres) and yaw (degrees, clockwise from north). It renders
when called, so it never returns `(None, None)`. No window opens.

    from PandaRender import NetVLADRenderer
    renderer = NetVLADRenderer(world="models/street.obj")
    im_batch, label_batch = renderer.step(16)  # camera 0 query, 1 to 5 near, 6 to 15 far
"""

from placevec.rendering import PhotoStream, open_scenery

WORLD = "town"  # or the path of a model (.obj, .glb, .egg, .bam) or of a folder of tiles
SETTINGS = {}  # more settings of the world, such as {"up": "z", "scale": 0.01}
SIZE = (240, 320)  # rows, columns


class _Renderer:
    """A stream that opens at the first photo and closes when the object is deleted."""

    def __init__(self, world=None, seed=0, **settings):
        self._place = WORLD if world is None else world
        self._settings = {**SETTINGS, "seed": seed, **settings}
        self._stream = None
        self._is_open = False

    def _opened(self):
        if self._stream is None:
            self._stream = PhotoStream(open_scenery(self._place, **self._settings), SIZE)
        if not self._is_open:
            self._stream.open()
            self._is_open = True
        return self._stream

    def destroy(self):
        """Closes the renderer."""
        if self._stream is not None:
            self._stream.close()
        self._is_open = False

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.destroy()

    def monte_carlo_sample(self):
        """Returns X, Y, Z, yaw, roll, pitch of a random camera in the world."""
        return _pose(self._opened().sample()[1])


class TrainRenderer(_Renderer):
    """Photos of random places. `queue_warning` exists for old callers and has no effect."""

    def __init__(self, queue_warning=True, world=None, seed=0, **settings):
        super().__init__(world, seed, **settings)
        self.queue_warning = queue_warning

    def step(self, batchsize):
        """Returns `batchsize` photos of random places and their labels."""
        photos, labels = self._opened().draw_random(batchsize)
        return photos.astype("float32"), labels


class TestRenderer(_Renderer):
    """Photos along a path. `pathGen(number)` gives X, Y, Z, yaw, and optionally pitch and roll.

    By default the path follows the streets of the town, or the places of a model.
    """

    __test__ = False  # for pytest, which would collect every Test* as a test

    def __init__(self, pathGen=None, world=None, seed=0, **settings):  # noqa: N803
        super().__init__(world, seed, **settings)
        self.pathGen = pathGen
        self._taken = 0

    def step(self, batchsize=None):
        """Returns the next `batchsize` photos of the path and their labels.

        Without a number, returns only the next photo, (240, 320, 3), and its label, (4,).
        """
        count = 1 if batchsize is None else batchsize
        photos, labels = self._opened().draw_path(count, self._taken, self.pathGen)
        self._taken += count
        photos = photos.astype("float32")
        return (photos[0], labels[0]) if batchsize is None else (photos, labels)


class NetVLADRenderer(_Renderer):
    """Groups of 16 photos: camera 0 is the query, 1 to 5 are near it, 6 to 15 far from it."""

    def step(self, batchsize):
        """Returns `batchsize` photos, group after group, and their labels."""
        photos, labels = self._opened().draw_groups(batchsize)
        return photos.astype("float32"), labels

    def mc_default(self, cam0X=None, cam0Y=None, cam0Z=None):  # noqa: N803
        """Returns X, Y, Z, yaw, roll, pitch of a random camera in the world."""
        return self.monte_carlo_sample()

    def mc_near(self, cam0X, cam0Y, cam0Z=1.7):  # noqa: N803
        """Returns X, Y, Z, yaw, roll, pitch of a camera within 10 m of the given one."""
        stream = self._opened()
        return _pose(stream.sample_near(*stream.scenery.camera_at((cam0X, cam0Y, cam0Z), 0.0)))

    def mc_far(self, cam0X, cam0Y, cam0Z=1.7):  # noqa: N803
        """Returns X, Y, Z, yaw, roll, pitch of a camera more than 25 m from the given one."""
        stream = self._opened()
        return _pose(stream.sample_far(*stream.scenery.camera_at((cam0X, cam0Y, cam0Z), 0.0)))


def _pose(camera):
    pose, height_m = camera.pose, camera.pose.position_m[2]
    spot = (camera.east_m, camera.north_m, height_m, camera.heading_deg)
    return (*spot, pose.roll_deg, pose.pitch_deg)
