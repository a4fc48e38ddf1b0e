"""What `placevec demo` shows."""

from dataclasses import dataclass
from pathlib import Path

from placevec.config.describe import EngineConfig
from placevec.config.refusals import settle


@dataclass(frozen=True, kw_only=True)
class DemoConfig:
    """What `placevec demo` shows, and where."""

    out: Path = Path("demo")
    """Folder for the store of descriptors and the picture."""
    model: Path | None = EngineConfig.model
    """Model: tiny or small, which ship with placevec, a .keras file or an old .h5 file. None:
    small."""

    def __post_init__(self) -> None:
        settle(self)
