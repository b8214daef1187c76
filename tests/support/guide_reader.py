"""The files that a reader of the guide has beforehand: HANCOCK, a cohort with outcome, and an encoder's weights."""

from pathlib import Path

import torch
import yaml
from safetensors.numpy import load

from services.embedder.manifest import read_manifest
from services.embedder.shipped_encoder import DEFAULT_ENCODER
from services.standalone.encoders.networks import build_network
from services.standalone.encoders.weights import randomize
from services.trainer.profile import PROFILES
from services.trainer.simulation.simulate import SimulationPlan, simulate
from shared.tensors import decode_metadata, encode_tensors
from tests.support.cohorts import quiet
from tests.support.recipes import one_block
from tests.support.simulated_hancock import write_hancock

PATIENTS = 60


def write_files(folder: Path) -> None:
    """Write `hancock/`, `cohort.csv`, `emb/`, `profile.yaml` and `pytorch_model.bin`, all SIMULATED."""
    write_hancock(folder / "hancock", PATIENTS)
    write_cohort(folder)
    network = build_network(one_block("uni").architecture)
    randomize(network, 1)
    torch.save(network.state_dict(), folder / "pytorch_model.bin")


def write_cohort(folder: Path) -> None:
    """A cohort whose bags state the encoder that ships, and a profile with a block of histology composition."""
    encoder = read_manifest(DEFAULT_ENCODER)
    simulate(SimulationPlan(patients=PATIENTS, tiles=6, width=encoder.dim), folder, quiet)
    (folder / "embeddings").rename(folder / "emb")
    stated = {"encoder_name": encoder.name, "encoder_digest": encoder.digest}
    for bag in (folder / "emb").rglob("*.safetensors"):
        data = bag.read_bytes()
        bag.write_bytes(encode_tensors(load(data), decode_metadata(data) | stated))
    profile = yaml.safe_load((PROFILES / "medulloblastoma.yaml").read_text())
    profile["blocks"] = [
        {"name": "clinical", "source": "record"},
        {"name": "molecular", "source": "record"},
        {"name": "pathomic", "source": "slides", "title": "slides"},
        {"name": "composition", "source": "vectors", "title": "histology composition"},
    ]
    (folder / "profile.yaml").write_text(yaml.safe_dump(profile, sort_keys=False))
