"""The old names of layers, networks, loaders and augmenters, built on `placevec`.

Networks take a Keras tensor of scaled photos, as in the old scripts, and return the tensor of local
features. `docs/from_cartwheel.md` lists the new name of each old one.
"""

# ruff: noqa: F401, I001, N802, N803

import placevec  # before Keras, so that TensorFlow is imported silently
from keras.regularizers import L2
from placevec.input_file import read_json
from placevec.layers import GhostVLAD, NetVLAD
from placevec.models import measure_model
from placevec.cartwheel.feature_networks import cut_network, enlarge_features
from placevec.cartwheel.feature_networks import pyramid_vgg as make_upsampling_vgg
from placevec.cartwheel.feature_networks import small_vgg as make_vgg
from placevec.cartwheel.input_shape import with_input_shape
from placevec.cartwheel import PittsburgRenderer as PittsburgRenderer
from placevec.cartwheel import TimeMachineRender as TimeMachineRender
from placevec.cartwheel import WalksRenderer as WalksRenderer
from placevec.cartwheel import WalksRendererOnline as WalksRendererOnline
from placevec.cartwheel import augment_tuples
from placevec.cartwheel import load_tuples

TTM_BASE = "data/tokyoTimeMachine"  # holds tokyoTM_train.mat and images/
PTS_BASE = "data/pittsburgh"  # holds 000/, 001/ and so on
_L3, _L4 = L2(1e-3), L2(1e-4)


def NetVLADLayer(num_clusters, **kwargs):
    """Returns a `NetVLAD` that, like the old layer, does not scale local features to length 1."""
    return NetVLAD(num_clusters, normalize_inputs=False, **kwargs)


def GhostVLADLayer(num_clusters, num_ghost_clusters, **kwargs):
    """Returns a `GhostVLAD` that, like the old layer, does not scale local features to length 1."""
    return GhostVLAD(num_clusters, num_ghost_clusters, normalize_inputs=False, **kwargs)


def make_from_mobilenet(
    input_img,
    weights="imagenet",
    trainable=True,
    kernel_regularizer=_L3,
    layer_name="conv_pw_7_relu",
):
    """Returns MobileNet's output at a layer. `weights`: imagenet, None or a file."""
    return cut_network("mobilenet", input_img, layer_name, weights, trainable, kernel_regularizer)


def make_from_mobilenetv2(
    input_img, weights="imagenet", trainable=True, kernel_regularizer=_L3, layer_name="block_9_add"
):
    """Returns MobileNetV2's output at a layer. `weights`: imagenet, None or a file."""
    return cut_network("mobilenetv2", input_img, layer_name, weights, trainable, kernel_regularizer)


def make_from_vgg16(
    input_img, weights="imagenet", trainable=True, kernel_regularizer=_L4, layer_name="block2_pool"
):
    """Returns VGG16's output at a layer. `weights`: imagenet, None or a file."""
    return cut_network("vgg16", input_img, layer_name, weights, trainable, kernel_regularizer)


def make_from_vgg19(input_img, weights="imagenet", trainable=True, layer_name="block2_pool"):
    """Returns VGG19's output at a layer. `weights`: imagenet, None or a file."""
    return cut_network("vgg19", input_img, layer_name, weights, trainable)


def make_from_vgg19_multiconvup(input_img, trainable=True, weights="imagenet"):
    """Returns VGG19's second block, enlarged to the size of the photo."""
    return enlarge_features(make_from_vgg19(input_img, weights, trainable))


def print_model_memory_usage(batch_size, model):
    """Prints the size of a model's weights and of all its layers' outputs for a batch."""
    cost = measure_model(model, batch_size=batch_size)
    print(f"parameters: {cost.parameters:,} ({cost.trainable_parameters:,} trainable)")
    print(f"model file: {4 * cost.parameters / 2**20:.2f} MiB")
    print(f"weights and outputs, batch {batch_size}: {cost.memory_bytes / 2**20:.2f} MiB")


def print_flops_report(model):
    """Prints the floating point operations for one photo."""
    cost = measure_model(model)
    print(f"FLOPs: {cost.flops:,} ({cost.flops / 1e9:.3f} G) for one photo")


def open_json_file(fname):
    """Returns the content of a JSON file of at most 1 GB."""
    return read_json(fname, max_bytes=10**9)


def change_model_inputshape(model, new_input_shape=(None, 40, 40, 3), verbose=False):
    """Returns a copy of a model, with its weights, for photos of another size."""
    changed = with_input_shape(model, new_input_shape)
    if verbose:
        changed.summary()
    return changed


def dataload_(n_tokyoTimeMachine, n_Pitssburg, nP, nN, TTM_BASE=TTM_BASE, PTS_BASE=PTS_BASE):
    """Returns tuples (N, 1 + nP + nN, 240, 320, 3) float32, Tokyo's first; RGB, 0 to 255."""
    tokyo = (TimeMachineRender, TTM_BASE, n_tokyoTimeMachine)
    return load_tuples([tokyo, (PittsburgRenderer, PTS_BASE, n_Pitssburg)], nP, nN)


def do_augmentation(D):
    """Returns (5 * N, ...): tuples (N, ...) unchanged, then basic, typical (twice) and heavy."""
    presets = ["none", "basic", "typical", "typical", "heavy"]
    return augment_tuples(D, presets, keep_geometry=False)


def do_typical_data_aug(D):
    """Returns tuples (N, 1 + nP + nN, H, W, C) with the augmentation `typical`."""
    return augment_tuples(D, ["typical"], keep_geometry=False)
