from placevec.places.name_order import by_number


def test_numbers_count_by_their_value():
    names = ["a10/2.jpg", "a9/10.jpg", "a9/9.jpg", "b.jpg", "a010/1.jpg"]
    assert sorted(names, key=by_number) == [
        "a9/9.jpg",
        "a9/10.jpg",
        "a010/1.jpg",
        "a10/2.jpg",
        "b.jpg",
    ]
