"""Reads files as pixels, and changes pixels to show the same place differently (augmentation)."""

from placevec.images.augmentation.augment import augmenter as augmenter
from placevec.images.augmentation.augment import photo_rng as photo_rng
from placevec.images.augmentation.augment_workers import AugmentWorkers as AugmentWorkers
from placevec.images.augmentation.street import Street as Street
from placevec.images.duplicates.fingerprint import fingerprint as fingerprint
from placevec.images.duplicates.fingerprint import near_duplicates as near_duplicates
from placevec.images.duplicates.fingerprint import near_duplicates_across as near_duplicates_across
from placevec.images.duplicates.same_photos import Same as Same
from placevec.images.duplicates.same_photos import same_photos as same_photos
from placevec.images.formats import PHOTO_SUFFIXES as PHOTO_SUFFIXES
from placevec.images.image_size import fixed_size_of as fixed_size_of
from placevec.images.image_size import image_size_of as image_size_of
from placevec.images.image_size import is_keras_model as is_keras_model
from placevec.images.image_size import refuse_other_size as refuse_other_size
from placevec.images.photo_cache import PhotoCache as PhotoCache
from placevec.images.read import UnreadableImageError as UnreadableImageError
from placevec.images.read import read_image as read_image
from placevec.images.read_ahead import read_ahead as read_ahead
from placevec.images.run_model import run_model as run_model
from placevec.images.videos.frame_names import frame_name as frame_name
from placevec.images.videos.frame_names import parse_frame_name as parse_frame_name
from placevec.images.videos.video import count_frames as count_frames
from placevec.images.videos.video import frame_times_s as frame_times_s
from placevec.images.videos.video_files import VIDEO_SUFFIXES as VIDEO_SUFFIXES
