"""The tuples that settings ask for."""

from placevec.config import TrainConfig
from placevec.places import PlaceDataset, TupleSampler


def open_sampler(config: TrainConfig, dataset: PlaceDataset) -> TupleSampler:
    """Makes the sampler of a training.

    Args:
        config: TrainConfig.
        dataset: PlaceDataset.

    Returns:
        TupleSampler.

    Raises:
        ValueError: If the photos do not fit the settings, or all show one place.
    """
    sampler = TupleSampler(
        dataset,
        num_positives=config.num_positives,
        num_negatives=config.num_negatives,
        positive_radius_m=config.positive_radius_m,
        negative_radius_m=config.negative_radius_m,
        max_heading_difference_deg=config.max_heading_difference_deg,
        min_time_difference_s=config.min_time_difference_s,
        min_positive_distance_m=config.min_positive_distance_m,
        positive_rule=config.positive_rule,
        min_overlap=config.min_overlap,
        view_depth_m=config.view_depth_m,
    )
    if all(len(sampler.near(query)) == len(dataset.database) for query in sampler.queries):
        alike = "" if config.positive_rule == "distance" else " without sharing anything with it"
        raise ValueError(
            f"Training needs photos of different places. Received: {len(dataset)} photos in "
            f"{dataset.root}, none farther than {config.negative_radius_m:g} m from another"
            f"{alike}. Add places, or set a smaller `--negative-radius-m`"
        )
    return sampler
