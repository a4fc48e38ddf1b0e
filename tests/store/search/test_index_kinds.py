from placevec.store.search.index_kinds import make_index


def test_a_product_code_fits_any_dimension():
    for dim in (1, 7, 16, 100, 1024):
        assert make_index("ivf_pq", dim, 1000).d == dim
