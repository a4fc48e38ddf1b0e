import numpy as np
import pytest

from placevec.loops.scorer import LoopScorer

SETTINGS = {
    "exclusion": 3,
    "threshold": 0.4,
    "precision": 0.95,
    "sequence": 1,
    "consistency": 1,
    "normalize": "running",
    "hubness": "none",
    "capacity": 500,
}


def scorer(**changed):
    return LoopScorer(**{**SETTINGS, **changed})


def laps(num_laps, length, dim=128, noise=0.3, seed=0):
    """Descriptors of a track that is driven several times."""
    rng = np.random.default_rng(seed)
    track = rng.normal(size=(length, dim)) + 2  # a mean that all places share
    found = np.concatenate([track] * num_laps) + noise * rng.normal(size=(num_laps * length, dim))
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def slow_similarities(descriptors, exclusion, normalize="running"):
    """The cosines of each photo to those that it is compared with, in plain loops."""

    def centered(row, last):
        if normalize == "none":
            return descriptors[row]
        mean = descriptors[: last + 1].sum(0) / (last + 1 + 10)  # an empty map counts as 10 photos
        contained = min(max(descriptors[row] @ mean / (mean @ mean), 0), 1)
        moved = descriptors[row] - contained * mean
        return moved / np.linalg.norm(moved)

    found = []
    for query in range(len(descriptors)):
        similarity = {
            other: centered(query, query) @ centered(other, max(other, min(query, 49)))
            for other in range(query)
            if query - other > exclusion
        }
        usual = 0.0
        if normalize == "none" and similarity:
            usual = np.mean(list(similarity.values()))
        for other in sorted(similarity, reverse=True):
            if similarity[other] <= usual:
                break
            del similarity[other]  # the place of the query, farther back than the exclusion
        found.append(similarity)
    return found


def slow_csls(similarities):
    """The scores by CSLS whose neighbors are the photos of the run so far, in plain loops."""

    def nearest(values):
        return np.mean(sorted(values)[-10:]) if values else 0.0

    found = []
    for query, row in enumerate(similarities):
        scores = {}
        for other, cosine in row.items():
            values = list(similarities[other].values())
            values += [each[other] for each in similarities[other + 1 : query] if other in each]
            scores[other] = 2 * cosine - nearest(list(row.values())) - nearest(values)
        found.append(scores)
    return found


def slow_first_match(similarity, exclusion):
    """The best match, its similarity and its gap, while no loop was accepted."""
    best = max(similarity, key=similarity.get)
    elsewhere = [value for other, value in similarity.items() if abs(other - best) > exclusion]
    return best, similarity[best], similarity[best] - max(elsewhere)


def slow_sequences(similarities, length):
    """The mean similarity along the best path of each photo, in plain loops."""
    found = []
    for query, row in enumerate(similarities):
        scores = {}
        for other in row:
            ways = []
            for speed in (0.8, 0.9, 1.0, 1.1, 1.2, -0.8, -0.9, -1.0, -1.1, -1.2):
                values = []
                for back in range(min(length, query + 1)):
                    earlier = similarities[query - back]
                    mean = np.mean(list(earlier.values())) if earlier else 0
                    values.append(earlier.get(other - round(back * speed), mean))
                ways.append(np.mean(values))
            scores[other] = max(ways)
        found.append(scores)
    return found


@pytest.mark.parametrize("length", [1, 3])
@pytest.mark.parametrize(
    "adapts", [("running", "none"), ("running", "csls"), ("none", "none"), ("none", "csls")]
)
def test_equals_plain_loops(length, adapts):
    normalize, hubness = adapts
    descriptors = laps(1, 60)
    one = scorer(threshold=9.0, sequence=length, normalize=normalize, hubness=hubness)
    found = map_run(one, descriptors)
    similarities = slow_similarities(descriptors, 3, normalize)
    if hubness == "csls":
        similarities = slow_csls(similarities)
    similarities = slow_sequences(similarities, length)
    for loop in filter(None, found):
        best, similarity, gap = slow_first_match(similarities[loop.query], 3)
        assert loop.match == best
        assert loop.similarity == pytest.approx(similarity, abs=1e-5)
        assert loop.gap == pytest.approx(gap, abs=1e-5)
    assert sum(loop is not None for loop in found) > 20


def test_photos_together_tell_places_apart_that_each_photo_does_not():
    """The noise of a photo is larger than what tells two places apart."""
    descriptors = laps(2, 40, noise=1.6)
    matches = {
        length: [loop for loop in map_run(scorer(sequence=length), descriptors) if loop]
        for length in (1, 5)
    }
    right = {
        length: np.mean([loop.query - loop.match == 40 for loop in found if loop.query >= 45])
        for length, found in matches.items()
    }
    assert right[5] > 0.95 > right[1] + 0.05


def map_run(one, descriptors):
    return [one.add(vector, row) for row, vector in enumerate(descriptors)]


def test_finds_the_second_and_the_third_lap():
    """On the third lap two laps show the place: none of them counts as another place."""
    found = map_run(scorer(), laps(3, 30))
    accepted = [loop for loop in found if loop and loop.accepted]
    assert len(accepted) >= 50
    assert all((loop.query - loop.match) % 30 == 0 for loop in accepted)
    assert {loop.query // 30 for loop in accepted} == {1, 2}


def test_a_run_without_loops_has_none():
    assert not any(loop.accepted for loop in map_run(scorer(), laps(1, 60)) if loop)


def test_the_run_learns_its_own_threshold():
    found = map_run(scorer(threshold=None, precision=0.9), laps(2, 60))
    accepted = [loop for loop in found if loop and loop.accepted]
    assert len(accepted) > 40
    assert np.mean([loop.query - loop.match == 60 for loop in accepted]) > 0.9


def test_consistency_asks_for_matches_in_a_row():
    descriptors = laps(2, 30)
    rng = np.random.default_rng(3)
    lonely = rng.normal(size=(10, 128)) + 2
    lonely /= np.linalg.norm(lonely, axis=1, keepdims=True)
    descriptors = np.concatenate([descriptors[:30], lonely, descriptors[35:36], lonely + 0.01])
    alone = map_run(scorer(), descriptors)[40]
    assert alone.accepted and alone.match == 5
    assert not map_run(scorer(consistency=2), descriptors)[40].accepted


def test_photos_near_in_the_run_are_not_compared():
    found = map_run(scorer(exclusion=8, threshold=-9.0), laps(1, 40))
    assert all(loop.query - loop.match >= 8 for loop in found if loop)


def street(num_photos, dim=64):
    """Descriptors of a street on which photos look alike over about 15 photos."""
    rng = np.random.default_rng(0)
    steps = rng.normal(size=(num_photos + 40, dim))
    window = np.hanning(40)[:, None]
    found = np.stack([(window * steps[row : row + 40]).sum(0) for row in range(num_photos)])
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def test_a_street_that_looks_alike_for_long_is_one_place():
    """The second lap finds the first and not the photos right before the exclusion."""
    lap = street(120)
    noise = np.random.default_rng(1).normal(0, 0.12, lap.shape)  # as in other light
    other_light = lap + noise
    found = map_run(scorer(threshold=9.0), np.concatenate([lap, other_light]))
    second_lap = [loop for loop in found[130:] if loop]
    right = sum(abs(loop.query - 120 - loop.match) <= 3 for loop in second_lap)
    assert right > 0.9 * len(second_lap) > 90


def test_photos_before_a_jump_are_another_place():
    """Equal photos of two sequences are a loop, however near in the run."""
    lap = street(40)
    one = scorer(threshold=0.01)
    for row, vector in enumerate(lap):
        one.add(vector, row)
    loop = one.add(lap[-1], 100)
    assert loop.accepted and loop.match == 39


@pytest.mark.parametrize("length", [1, 4])
def test_forgets_the_oldest_at_its_capacity(length):
    one = scorer(capacity=40, sequence=length)
    found = map_run(one, laps(3, 35))
    assert len(one) == 105 and one.num_forgotten == 68 // 4 * 4
    accepted = [loop for loop in found if loop and loop.accepted]
    assert accepted and all((loop.query - loop.match) % 35 == 0 for loop in accepted)


def test_equal_photos_are_no_loop():
    """A camera that stands still shows one place only: there is none to tell it from."""
    found = map_run(scorer(), np.ones((40, 8)))
    assert not any(loop.accepted for loop in found if loop)


@pytest.mark.parametrize(
    "second, along, message",
    [
        ([np.nan, 1], 1, "finite and not zero"),
        ([0, 0], 1, "finite and not zero. Received: length 0 for photo 1"),
        ([1, 0, 0], 1, "of equal size"),
        ([1, 0], -1, "in the order of the run"),
        ([1, 0], np.nan, "in the order of the run"),
    ],
)
def test_refuses_what_is_no_photo_of_the_run(second, along, message):
    one = scorer()
    one.add([1, 0], 0)
    with pytest.raises(ValueError, match=message):
        one.add(second, along)


@pytest.mark.parametrize(
    "changed, message",
    [
        ({"exclusion": 0}, "`exclusion` must be positive and finite"),
        ({"exclusion": np.nan}, "`exclusion` must be positive and finite"),
        ({"exclusion": np.inf}, "`exclusion` must be positive and finite"),
        ({"consistency": 0}, "`consistency` must be at least 1"),
        ({"sequence": 0}, "`length` must be at least 1"),
        ({"capacity": 1}, "at least 10 photos"),
    ],
)
def test_refuses_settings_out_of_range(changed, message):
    with pytest.raises(ValueError, match=message):
        scorer(**changed)
