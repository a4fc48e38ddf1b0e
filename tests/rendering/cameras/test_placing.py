import numpy as np

from placevec.rendering.cameras.free_space.collisions import Collider
from placevec.rendering.cameras.free_space.free_space import Body
from placevec.rendering.cameras.placing import Trial, look, shake
from placevec.rendering.scenes.camera import Jitter

JITTER = Jitter(along_m=1.0, across_m=0.5, height_m=0.2, heading_deg=8.0, tilt_deg=2.0)


def test_jitter_stays_in_its_bounds_and_fills_them(shapes):
    collider = Collider(shapes.world(shapes.floor((-50, -50), (50, 50), slope=0.1)))
    eyes = np.tile([0.0, 0, 1.7], (60, 1))
    turns = np.tile([90.0, 0, 0], (60, 1))
    trial = shake(collider, eyes, turns, np.random.default_rng(0), body=Body(), jitter=JITTER)
    assert (trial.reasons == "").all()
    strays = np.abs(trial.eyes_m - eyes)
    above = trial.eyes_m[:, 2] - 0.1 * trial.eyes_m[:, 0]
    turned = np.abs(trial.turns_deg - turns).max(axis=0)
    for got, most in ((strays[:, 0].max(), 1.0), (strays[:, 1].max(), 0.5)):  # ahead is east
        assert 0.8 * most < got <= most
    assert 0.15 < np.abs(above - 1.7).max() <= 0.2 + 1e-5
    assert (turned <= [8, 2, 1]).all() and (turned > [6, 1.5, 0.75]).all()


def test_a_camera_does_not_stray_through_a_wall(shapes):
    wall = shapes.box((0.9, -20, 0), (1.0, 20, 3))
    collider = Collider(shapes.world(shapes.floor((-50, -50), (50, 50)), wall))
    wide, eyes = Jitter(0.0, 9.0, 0.0, 0.0, 0.0), np.tile([-3.0, 0, 1.7], (60, 1))
    trial = shake(
        collider, eyes, np.zeros((60, 3)), np.random.default_rng(1), body=Body(), jitter=wide
    )
    free = trial.eyes_m[trial.reasons == ""]
    assert len(free) > 10 and (free[:, 0] < 0).all()
    beyond = trial.reasons[trial.eyes_m[:, 0] > 2.2]
    assert len(beyond) > 3 and (beyond == "too near a wall").all()


def test_refuses_views_of_nothing_and_of_a_near_wall(shapes):
    collider = Collider(
        shapes.world(
            shapes.floor((-200, -200), (200, 200)),
            shapes.box((-60, 1.2, 0), (60, 2, 9)),
            shapes.box((-60, -40, 0), (60, -30, 20)),
        )
    )
    eyes = np.tile([0.0, 0, 1.7], (3, 1))
    turns = np.array([[0.0, 0, 0], [180, 0, 0], [90, 0, 0]])
    trial = Trial(np.full(3, "", "U20"), eyes, turns)
    far = Trial(np.full(1, "", "U20"), np.array([[0.0, 150, 1.7]]), np.zeros((1, 3)))
    common = {"body": Body(), "least_seen": 0.2, "sight_m": 150.0}
    assert look(collider, trial, **common).reasons.tolist()[:2] == ["faces a wall", ""]
    assert look(collider, far, **common).reasons.tolist() == ["sees too little"]
    assert trial.reasons.tolist() == ["", "", ""]
