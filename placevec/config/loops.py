"""How loops of a run and groups of photos are found, and how a threshold is learned."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Literal

from placevec.config.choices import Hubness, Normalization, Reranker
from placevec.config.describe import EngineConfig
from placevec.config.limits import Above, AtLeast, Below
from placevec.config.refusals import need_used, refuse


@dataclass(frozen=True, kw_only=True)
class RunConfig(EngineConfig):
    """How the photos of a run are matched with those before them."""

    exclusion_frames: Annotated[int | None, AtLeast(1)] = None
    """Photos nearer along the run than this show the same place and are not a loop. None: twice the
    number of photos after which the run no longer looks like itself, at least 10."""
    exclusion_s: Annotated[float | None, Above(0)] = None
    """The same in seconds, for photos with times. None: use the number of photos."""
    exclusion_m: Annotated[float | None, Above(0)] = None
    """The same in metres traveled, for photos with positions. None: use the number of photos."""
    sequence: Annotated[int, AtLeast(1)] = 5
    """Number of photos to match together: a photo and those before it, against consecutive earlier
    photos, in either direction and at 0.8 to 1.2 times the speed. 1: match each photo alone."""
    rerank: Reranker | None = None
    """Compare both photos of a match point by point: features compares local features of the model,
    from the same pass; sift compares points that need no network."""
    min_inliers: Annotated[int | None, AtLeast(0)] = None
    """Minimum number of points that both photos of a loop share, with `rerank`. 0: only count them.
    None: 40 % of the cells of a photo, or 40 with sift."""

    normalize: Normalization = "running"
    """Mean to subtract from the descriptors of a run, as far as each contains it: running is the
    mean of the photos up to each one, own the mean of the whole run, which is only known after it.
    none leaves descriptors unchanged. placevec refuses map, as a run has no map."""
    hubness: Hubness = "none"
    """Lower the score of photos that are similar to everything: csls measures this with each
    photo's nearest photos of the run so far. placevec refuses csls_batch, as later photos are not
    known."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.normalize == "map":
            refuse(self, "normalize", "running, own or none: a run has no map, only earlier photos")
        if self.hubness == "csls_batch":
            refuse(self, "hubness", "csls or none: each photo is compared with earlier ones only")
        if self.exclusion_s is not None and self.exclusion_m is not None:
            raise ValueError("Choose one of `exclusion_s` and `exclusion_m`. Received: both")
        if self.rerank is None and self.min_inliers is not None:
            raise ValueError(
                "`min_inliers` has no effect without `rerank`. Received: "
                f"min_inliers={self.min_inliers}"
            )


@dataclass(frozen=True, kw_only=True)
class LoopsConfig(RunConfig):
    """How loops of a run are found."""

    out: Path | None = None
    """Folder for loops.csv, the pictures and the files for SLAM systems, outside of the folder of
    photos. None: write nothing."""
    overwrite: bool = False
    """Replace the files of an earlier run in `out`, and delete those that this one leaves out. If
    false, a folder that has files of these names is refused."""
    threshold: Annotated[float | Path | None, AtLeast(0)] = None
    """Minimum gap of a loop: a number, or a file that `placevec calibrate` wrote for this model and
    these settings. None: the threshold that ships with the model for these settings, or, if it has
    none, an estimate from the run itself."""
    precision: Annotated[float, Above(0), Below(1)] = 0.95
    """Share of the accepted loops that should be right, unless the threshold is a number."""
    consistency: Annotated[int, AtLeast(1)] = 1
    """Number of consecutive photos whose matches must be near each other."""
    g2o: Literal["known", "essential"] = "known"
    """Relative poses in loops.g2o: known, from the positions and headings of the photos; essential,
    from points that both photos of a loop share, without a distance."""
    fov_deg: Annotated[float | None, Above(0), Below(170)] = None
    """Horizontal field of view of the camera, for `g2o essential`, of photos without distortion.
    None: that of each photo, if the source knows it."""

    def __post_init__(self) -> None:
        super().__post_init__()
        need_used(self, "overwrite", self.out is not None, "`out` left out")
        if self.g2o != "essential" and self.fov_deg is not None:
            refuse(self, "fov_deg", "left out without `g2o essential`")
        if self.g2o == "essential" and self.out is None:
            raise ValueError("`g2o essential` is for loops.g2o. Received: no `out`. Name a folder")


@dataclass(frozen=True, kw_only=True)
class GroupConfig(EngineConfig):
    """How photos are grouped by place."""

    out: Path | None = None
    """Folder for groups.csv and groups.html. None: write nothing."""
    overwrite: bool = False
    """Replace the files of an earlier run in `out`. If false, a folder that has files of these
    names is refused."""
    threshold: Annotated[float | Path | None, AtLeast(0)] = None
    """Minimum gap of a group: by how much its photos are more similar to each other than to any
    other photo. A number, or a file that `placevec calibrate --sequence 1` wrote for this model.
    None: estimate it from the photos."""
    precision: Annotated[float, Above(0), Below(1)] = LoopsConfig.precision
    """Share of the photos that should have a right match in their group, unless the threshold is
    a number."""

    def __post_init__(self) -> None:
        super().__post_init__()
        need_used(self, "overwrite", self.out is not None, "`out` left out")


@dataclass(frozen=True, kw_only=True)
class CalibrateConfig(RunConfig):
    """How a threshold is learned from photos with known positions."""

    out: Path = Path("threshold.json")
    """File to write the threshold to."""
    overwrite: bool = False
    """Replace an earlier file at `out`. If false, a file that exists is refused."""
    of: Literal["loops", "search"] = "loops"
    """What the threshold is for: loops of a run, or answers of `placevec search`, whose queries and
    database are different photos."""
    precision: Annotated[float, Above(0), Below(1)] = LoopsConfig.precision
    """Share of the accepted matches that must be right, with 95 % confidence."""
    radius_m: Annotated[float, Above(0)] = 25.0
    """A match within this distance is right, and photos within it show one place, in metres (in
    frames for a sequence)."""
    wrong_beyond_m: float | None = None
    """A match farther than this is wrong. Matches between `radius_m` and this distance are ignored.
    None: every match beyond `radius_m` is wrong."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.of == "search":
            for field in fields(RunConfig):
                if field.name not in EngineConfig.__dataclass_fields__ and (
                    getattr(self, field.name) != field.default
                ):
                    refuse(self, field.name, "left out with `of='search'`")
        if self.wrong_beyond_m is not None and not self.wrong_beyond_m >= self.radius_m:
            refuse(self, "wrong_beyond_m", "at least `radius_m`")
