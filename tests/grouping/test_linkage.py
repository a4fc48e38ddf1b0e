import numpy as np
import pytest

from placevec.grouping.linkage import link


def groups_in_plain_loops(vectors):
    """Every group that joining the two most similar groups makes, with its gap."""
    values = vectors @ vectors.T
    groups = [{row} for row in range(len(vectors))]
    formed, found = {}, {}

    def between(one, other):
        return max(values[a, b] for a in one for b in other)

    while len(groups) > 1:
        pairs = [(a, b) for a in range(len(groups)) for b in range(a)]
        a, b = max(pairs, key=lambda pair: between(groups[pair[0]], groups[pair[1]]))
        similarity = between(groups[a], groups[b])
        for each in (groups[a], groups[b]):
            if frozenset(each) in formed:
                found[frozenset(each)] = formed[frozenset(each)] - similarity
        joined = groups[a] | groups[b]
        groups = [each for row, each in enumerate(groups) if row not in (a, b)] + [joined]
        formed[frozenset(joined)] = similarity
    found[frozenset(range(len(vectors)))] = -np.inf
    return found


def photos_of(linkage):
    members = [{row} for row in range(len(linkage.pairs) + 1)]
    for one, other in linkage.pairs.tolist():
        members.append(members[one] | members[other])
    return [frozenset(each) for each in members[len(linkage.pairs) + 1 :]]


@pytest.mark.parametrize("count", [2, 3, 25])
def test_equals_plain_loops(unit_vectors, count):
    vectors = unit_vectors(count, dim=6)
    linkage = link(vectors)
    expected = groups_in_plain_loops(vectors)
    found = dict(zip(photos_of(linkage), linkage.gaps.tolist(), strict=True))
    assert found.keys() == expected.keys()
    for photos, gap in expected.items():
        assert found[photos] == pytest.approx(gap, abs=1e-6)


def test_the_largest_groups_count(unit_vectors):
    """Two places of three photos; two photos of the first are nearly equal."""
    first, second = unit_vectors(2, dim=64)
    noise = np.random.default_rng(1).normal(size=(6, 64)) * 0.03
    noise[1] = noise[0] + 1e-4
    vectors = np.array([first] * 3 + [second] * 3) + noise
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    linkage = link(vectors)
    groups = linkage.groups_of(linkage.gaps >= 0.3)
    assert len(set(groups[:3].tolist())) == len(set(groups[3:].tolist())) == 1
    assert groups.min() >= 0 and groups[0] != groups[3]
    assert (linkage.groups_of(linkage.gaps >= 3) == -1).all()
    stand_out = linkage.groups_of(linkage.stand_out())
    assert stand_out.tolist() == groups.tolist()


def test_equal_photos_are_one_group_and_one_photo_is_none():
    vectors = np.array([[1.0, 0.0]] * 3 + [[0.0, 1.0]])
    linkage = link(vectors)
    assert linkage.groups_of(linkage.gaps >= 0.5)[:3].tolist() == [1, 1, 1]
    assert linkage.groups_of(linkage.gaps >= 0.5)[3] == -1
    alone = link(vectors[:1])
    assert alone.groups_of(alone.gaps >= 0).tolist() == [-1]
    assert alone.stand_out().tolist() == []
