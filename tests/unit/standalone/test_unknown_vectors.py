"""Vectors of unknown blocks, and the bundle that the advice of `medulla up` names."""

from pathlib import Path

import pytest
from medulla.v1.events_pb2 import SlideRejected

from services.fusion_scorer.promoted import promote
from services.standalone.demo_case import DEMO_BUNDLE
from services.standalone.errors import ReservationsError
from services.standalone.laptop_bundle import bundle_folder, promoted_bundles
from services.standalone.printed_refusals import PrintedRefusals
from services.standalone.unknown_vectors import UnknownVectors
from services.standalone.workspace import Workspace
from shared import keys
from shared.bus.events import to_record
from shared.bus.memory import MemoryBus
from shared.bus.port import Delivery
from shared.model.bundle_files import verify
from shared.model.errors import BadVectorsError
from shared.units import CaseId
from tests.support.fusion import arms_with_doubts, write_bundle
from tests.support.vector_bundle import write_vector_bundle

CASE = CaseId("C-1")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "watched")


@pytest.fixture
def given(tmp_path: Path) -> Path:
    return write_vector_bundle(tmp_path / "bundle")


def test_a_vector_of_an_unknown_block_is_named_once_with_the_blocks_that_are_known(
    workspace: Workspace, given: Path
) -> None:
    printed: list[str] = []
    scan = UnknownVectors(workspace.store, promoted_bundles(workspace, given), printed.append)
    for block in ("blood", "blud"):
        workspace.store.put(keys.vector(CASE, block), b"{}")
    workspace.store.put("vectors/loose.json", b"{}")
    scan()
    scan()
    (line,) = printed
    assert line.startswith("Not used vectors/C-1/blud.json: bundle toy-vectors has no model of the block blud.")
    assert "Rename the file after one of its blocks (blood, texture)" in line


def test_a_vector_is_looked_at_with_the_promoted_bundle_and_not_with_the_one_before(
    workspace: Workspace, given: Path, tmp_path: Path
) -> None:
    printed: list[str] = []
    scan = UnknownVectors(workspace.store, promoted_bundles(workspace, write_bundle(tmp_path / "toy")), printed.append)
    workspace.store.put(keys.vector(CASE, "blood"), b"{}")
    promote(workspace.store, given)
    scan()
    assert printed == []


def test_a_bundle_without_vectors_reads_none(workspace: Workspace, tmp_path: Path) -> None:
    printed: list[str] = []
    bundles = promoted_bundles(workspace, write_bundle(tmp_path / "toy"))
    workspace.store.put(keys.vector(CASE, "blood"), b"{}")
    UnknownVectors(workspace.store, bundles, printed.append)()
    assert "block blood. Remove it, or use a bundle that has a model of it." in printed[0]


def test_the_bundle_that_is_shown_is_the_given_one_or_that_of_the_folder(workspace: Workspace, given: Path) -> None:
    bundles = promoted_bundles(workspace, given)
    assert bundle_folder(workspace, bundles, given) == given
    shown = bundle_folder(workspace, promoted_bundles(workspace, None), None)
    assert shown is not None
    assert verify(shown).digest == verify(given).digest


def test_a_bundle_that_is_given_to_a_folder_with_another_is_promoted(
    workspace: Workspace, given: Path, tmp_path: Path
) -> None:
    promoted_bundles(workspace, given)
    other = write_bundle(tmp_path / "other")
    assert promoted_bundles(workspace, other).promoted().bundle.digest == verify(other).digest


def test_a_bundle_with_reservations_is_promoted_with_a_flag_only_and_they_are_printed(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sound = promoted_bundles(workspace, write_bundle(tmp_path / "sound")).promoted().bundle.digest
    assert capsys.readouterr().err == ""
    doubted = write_bundle(tmp_path / "doubted", entries={"reservations": ["Model fused: no better than the rule."]})
    with pytest.raises(ReservationsError, match="not promoted:\n  Model fused: no better than the rule"):
        promoted_bundles(workspace, doubted)
    assert promoted_bundles(workspace, None).promoted().bundle.digest == sound
    accepted = promoted_bundles(workspace, doubted, despite_reservations=True)
    assert accepted.promoted().bundle.digest == verify(doubted).digest
    assert "read its model_card.md first:\n  Model fused: no better than the rule." in capsys.readouterr().err


def test_a_reservation_about_any_one_model_needs_the_flag_too(workspace: Workspace, tmp_path: Path) -> None:
    doubted = write_bundle(tmp_path / "doubted", entries={"arms": arms_with_doubts(clinical="Model clinical: no.")})
    with pytest.raises(ReservationsError, match="Model clinical: no"):
        promoted_bundles(workspace, doubted)


def test_the_bundle_that_ships_is_promoted_where_there_is_none_and_needs_no_path(workspace: Workspace) -> None:
    bundles = promoted_bundles(workspace, None)
    assert bundles.promoted().bundle.digest == verify(DEMO_BUNDLE).digest
    assert bundle_folder(workspace, bundles, None) is None


def test_the_advice_on_a_refused_vector_names_the_bundle(given: Path) -> None:
    printed: list[str] = []
    refusal = SlideRejected(
        event_id="e",
        case_id=CASE,
        object_key=keys.vector(CASE, "blood"),
        reason=BadVectorsError.reason,
        sentence="no",
        advice=BadVectorsError.advice,
    )
    refusals = PrintedRefusals(MemoryBus(), "medulla", lambda _: True, printed.append, given)
    refusals.on_delivery(Delivery(to_record(refusal, "fusion_scorer"), 0, 0, 0.0))
    assert f"`medulla bundle show {given} --json` lists columns by block" in printed[0]
