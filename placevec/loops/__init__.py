"""Finds loops: photos of a run that show a place which the run has seen before."""

from placevec.loops.calibrate import Calibrated as Calibrated
from placevec.loops.calibrate import calibrate as calibrate
from placevec.loops.detector import LoopDetector as LoopDetector
from placevec.loops.find import LoopsFound as LoopsFound
from placevec.loops.find import find_loops as find_loops
from placevec.loops.scorer import Loop as Loop
from placevec.loops.write import write_loops as write_loops
