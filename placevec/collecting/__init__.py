"""Street-level imagery services -> photos and positions, written in the folder format."""

try:
    from placevec.collecting.collect import collect as collect
    from placevec.collecting.mapillary import collect_mapillary as collect_mapillary
    from placevec.collecting.streetview import collect_streetview as collect_streetview
except ModuleNotFoundError as error:
    missing = (error.name or "").partition(".")[0]
    if missing == "placevec":
        raise
    raise ImportError(
        f"Collecting photos needs mapbox-vector-tile, requests and shapely; {missing} is not "
        "installed. Install them: pip install '.[collect]' in the project's folder"
    ) from error
