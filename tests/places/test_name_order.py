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


def test_upper_and_lower_case_are_alike():
    names = ["a1.jpg", "A2.JPG", "a10.jpg", "B1.jpg"]
    assert sorted(reversed(names), key=by_number) == names


def test_numbers_of_any_length_keep_their_order():
    names = [f"{'9' * n}.jpg" for n in (1, 5, 19, 20, 21, 60)] + [f"1{'0' * 60}.jpg"]
    assert sorted(reversed(names), key=by_number) == names
