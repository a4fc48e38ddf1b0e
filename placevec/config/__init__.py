"""Every setting: its type, default, unit and meaning.

Each verb of the command line has one frozen dataclass. Scripts, flags and run records are made from
these classes, so each default is defined there and nowhere else. This package imports only the
standard library, so that `--help` answers at once.
"""

from placevec.config.check import CheckConfig as CheckConfig
from placevec.config.choices import Augmentation as Augmentation
from placevec.config.choices import Engine as Engine
from placevec.config.choices import Precision as Precision
from placevec.config.collect import CollectConfig as CollectConfig
from placevec.config.collect import MapillaryConfig as MapillaryConfig
from placevec.config.collect import StreetviewConfig as StreetviewConfig
from placevec.config.demo import DemoConfig as DemoConfig
from placevec.config.describe import DescribeConfig as DescribeConfig
from placevec.config.describe import EvaluateConfig as EvaluateConfig
from placevec.config.dictionary import changed as changed
from placevec.config.dictionary import from_dict as from_dict
from placevec.config.dictionary import to_dict as to_dict
from placevec.config.export import ExportConfig as ExportConfig
from placevec.config.groups.augment import AugmentConfig as AugmentConfig
from placevec.config.groups.computing import ComputeConfig as ComputeConfig
from placevec.config.groups.loss import LossConfig as LossConfig
from placevec.config.groups.mining import MiningConfig as MiningConfig
from placevec.config.groups.optimizer import OptimizerConfig as OptimizerConfig
from placevec.config.groups.start import StartConfig as StartConfig
from placevec.config.groups.tuples import TupleConfig as TupleConfig
from placevec.config.loops import CalibrateConfig as CalibrateConfig
from placevec.config.loops import GroupConfig as GroupConfig
from placevec.config.loops import LoopsConfig as LoopsConfig
from placevec.config.model import ModelConfig as ModelConfig
from placevec.config.render import ModelRenderConfig as ModelRenderConfig
from placevec.config.render import RenderConfig as RenderConfig
from placevec.config.render import TownRenderConfig as TownRenderConfig
from placevec.config.search import IndexConfig as IndexConfig
from placevec.config.search import SearchConfig as SearchConfig
from placevec.config.split import SplitConfig as SplitConfig
from placevec.config.train import TrainConfig as TrainConfig
from placevec.config.whiten import WhitenConfig as WhitenConfig
from placevec.config.whiten import WhitenModelConfig as WhitenModelConfig
