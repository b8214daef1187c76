"""Builds the network of a recipe, without weights."""

import importlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import timm
import torch
from timm import layers
from torch import nn
from transformers import AutoConfig, AutoModel

from services.standalone.encoders.conch import ConchTower
from services.standalone.encoders.ctranspath import build_ctranspath
from services.standalone.encoders.errors import BadNetworkError
from services.standalone.encoders.recipe import Architecture, Kind


def build_network(architecture: Architecture) -> nn.Module:
    """The network in evaluation mode, in float32 on the CPU; its weights are not those of the owner yet.

    Raises:
        BadNetworkError: it cannot be built from what is named.
    """
    try:
        return _BUILDERS[architecture.kind](architecture).eval()
    except BadNetworkError:
        raise
    except Exception as error:  # timm, transformers and networks of others raise anything
        raise BadNetworkError(f"{architecture.kind} {architecture.name} cannot be built: {error}") from error


def _timm(architecture: Architecture) -> nn.Module:
    return timm.create_model(architecture.name, **_timm_arguments(architecture.arguments))


def _timm_arguments(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments with the class of the MLP in place of its name."""
    return {name: getattr(layers, value) if name == "mlp_layer" else value for name, value in arguments.items()}


def _transformers(architecture: Architecture) -> nn.Module:
    config = AutoConfig.for_model(architecture.name, **architecture.arguments)
    network: nn.Module = AutoModel.from_config(  # type: ignore[no-untyped-call]
        config, attn_implementation="sdpa"
    )
    return network


def _conch(architecture: Architecture) -> nn.Module:
    own = {name: architecture.arguments[name] for name in ("pooler", "pooled_dim", "heads")}
    rest = {name: value for name, value in architecture.arguments.items() if name not in own}
    return ConchTower(architecture.name, arguments=rest, **own)  # type: ignore[arg-type]


def _ctranspath(architecture: Architecture) -> nn.Module:
    return build_ctranspath(architecture.name, **architecture.arguments)


def _folder(architecture: Architecture) -> nn.Module:
    """Network of a local Hugging Face folder, which names one of timm or of transformers; no code in it is run."""
    config = json.loads((Path(architecture.name) / "config.json").read_bytes())
    if "architecture" in config:
        arguments = {"num_classes": 0} | config.get("model_args", {})
        return _timm(Architecture(kind="timm", name=config["architecture"], arguments=arguments))
    loaded = AutoConfig.from_pretrained(architecture.name, local_files_only=True, trust_remote_code=False)
    network: nn.Module = AutoModel.from_config(  # type: ignore[no-untyped-call]
        loaded, attn_implementation="sdpa", trust_remote_code=False
    )
    return network


def _torchscript(architecture: Architecture) -> nn.Module:
    network: nn.Module = torch.jit.load(architecture.name, map_location="cpu")  # type: ignore[no-untyped-call]
    return network


def _module(architecture: Architecture) -> nn.Module:
    """A class of an importable module, called with the arguments."""
    module, _, name = architecture.name.rpartition(".")
    if not module:
        raise BadNetworkError(f"module:{architecture.name} names no class in a module, such as module:nets.Vit")
    network: nn.Module = getattr(importlib.import_module(module), name)(**architecture.arguments)
    return network


_BUILDERS: Mapping[Kind, Callable[[Architecture], nn.Module]] = {
    "timm": _timm,
    "transformers": _transformers,
    "conch": _conch,
    "ctranspath": _ctranspath,
    "folder": _folder,
    "torchscript": _torchscript,
    "module": _module,
}
