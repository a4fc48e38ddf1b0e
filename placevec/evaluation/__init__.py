"""Measures how well places are found, what inflates recall, and splits that are fair."""

from placevec.evaluation.cautions import warn_of_training_photos as warn_of_training_photos
from placevec.evaluation.compare import compare as compare
from placevec.evaluation.evaluate import evaluate as evaluate
from placevec.evaluation.evaluate import evaluate_photos as evaluate_photos
from placevec.evaluation.evaluation import Evaluation as Evaluation
from placevec.evaluation.figures import draw_matches as draw_matches
from placevec.evaluation.figures import draw_recall as draw_recall
from placevec.evaluation.figures import draw_split as draw_split
from placevec.evaluation.measures.intervals import compare_shares as compare_shares
from placevec.evaluation.measures.precision import precision_recall as precision_recall
from placevec.evaluation.measures.recall import recall as recall
from placevec.evaluation.measures.threshold import learn_threshold as learn_threshold
from placevec.evaluation.split import SPLITS_PICTURE as SPLITS_PICTURE
from placevec.evaluation.split import MadeSplit as MadeSplit
from placevec.evaluation.split import make_split as make_split
from placevec.evaluation.split import split as split
