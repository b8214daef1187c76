"""What registries, WHO 2021, cBioPortal and the forms of SIOP and COG write, read by the default profile."""

from typing import Any

import pytest

from services.trainer.profile import load_profile
from shared.model.vocabulary import Vocabulary

PROFILE = load_profile()
WORDS = Vocabulary(PROFILE.variables, PROFILE.missing)
SAID: dict[str, dict[str, list[Any]]] = {
    "sex": {"female": ["F", "f", "Female", "FEMALE", "girl"], "male": ["M", "m", "Male", " male ", "boy"]},
    "chang_m_stage": {
        "M0": ["M0", "m0", "M 0", "0", 0, "Stage M0", "Chang stage M0", "non-metastatic", "No metastasis"],
        "M1": ["M1", 1, "1"],
        "M2": ["M2", "M-2", 2],
        "M3": ["M3", "stage M3", "3"],
        "M4": ["M4", 4],
    },
    "extent_of_resection": {
        "GTR": ["GTR", "gtr", "Gross Total", "gross-total resection", "Complete", "complete resection", "total"],
        "NTR": ["Near total", "near-total resection", "NTR"],
        "STR": ["Subtotal", "sub-total resection", "Subtotal Resection (STR)"],
        "biopsy": ["Biopsy", "biopsy only", "Stereotactic biopsy"],
    },
    "histology": {
        "classic": ["Classic", "classical", "CMB", "Classic medulloblastoma", "Medulloblastoma, classic"],
        "DN": [
            "DN",
            "D/N",
            "Desmoplastic",
            "desmoplastic/nodular",
            "Desmoplastic / Nodular",
            "Desmoplastic nodular medulloblastoma",
        ],
        "MBEN": ["MBEN", "Medulloblastoma with extensive nodularity", "extensive nodularity"],
        "LCA": [
            "LCA",
            "LC/A",
            "Large cell/anaplastic",
            "large cell / anaplastic",
            "Large-cell",
            "Anaplastic",
            "9474/3",
        ],
    },
    "molecular_group": {
        "WNT": ["Wnt", "WNT-activated", "MB, WNT", "Medulloblastoma, WNT-activated", "9475/3"],
        "SHH": ["Shh", "SHH-activated", "SHH activated", "Sonic hedgehog", "MB, SHH"],
        "G3": [
            "G3",
            "Group 3",
            "Group3",
            "GROUP_3",
            "group-3",
            "Grp3",
            "Gr. 3".replace(".", ""),
            "MB, Group 3",
            "MB, Group3",
            "MB_G3",
        ],
        "G4": ["G4", "Group 4", "Group4", "Grp 4", "subgroup-4", "MB, Group4", "Medulloblastoma, Group 4"],
        "NWNS": ["NWNS", "non-WNT/non-SHH", "Non-WNT/Non-SHH", "Medulloblastoma, non-WNT/non-SHH", "9477/3"],
    },
    "tp53_status": {
        "wt": ["WT", "wild-type", "wildtype", "Wild Type", "TP53-wildtype", "not mutated"],
        "mut": ["mut", "Mutant", "mutated", "TP53-mutant", "TP53 mutated"],
    },
    "myc_amp": {
        "no": [
            "No",
            "n",
            "not amplified",
            "non-amplified",
            "Not Amplified",
            "0",
            0,
            0.0,
            False,
            "false",
            "FALSE",
            "balanced",
        ],
        "yes": ["Yes", "Y", "amplified", "Amplified", "amplification", "1", 1, True, "TRUE"],
    },
}
SAID["mycn_amp"] = SAID["myc_amp"]
CASES = [(name, raw, level) for name, words in SAID.items() for level, raws in words.items() for raw in raws]


@pytest.mark.parametrize(("name", "written", "level"), CASES)
def test_a_word_is_read_as_what_it_means(name: str, written: object, level: str) -> None:
    assert WORDS.read({name: written}).values == {name: level}


@pytest.mark.parametrize(
    ("written", "tp53"),
    [
        ("SHH-activated and TP53-wildtype", "wt"),
        ("Medulloblastoma, SHH-activated and TP53-mutant", "mut"),
        ("SHH, TP53 wild-type", "wt"),
        ("9476/3", "mut"),
    ],
)
def test_one_word_of_who_2021_says_group_and_tp53(written: str, tp53: str) -> None:
    assert WORDS.read({"molecular_group": written}).values == {"molecular_group": "SHH", "tp53_status": tp53}


@pytest.mark.parametrize(
    ("entries", "years"),
    [
        ({"age_at_diagnosis_years": "5y"}, 5),
        ({"age_at_diagnosis_years": "5 years"}, 5),
        ({"age_at_diagnosis_years": "5 Yrs"}, 5),
        ({"age_at_diagnosis_years": "60 months"}, 5),
        ({"age_at_diagnosis_years": "6,4"}, 6.4),
        ({"age_at_diagnosis_years": "6.4"}, 6.4),
        ({"age_at_diagnosis_months": 30}, 2.5),
        ({"age_at_diagnosis_months": "30"}, 2.5),
        ({"age_at_diagnosis_days": 730.5}, 2),
    ],
)
def test_ages_come_in_years_months_and_days(entries: dict[str, object], years: float) -> None:
    assert WORDS.read(entries).values == {"age_at_diagnosis_years": pytest.approx(years)}


@pytest.mark.parametrize("area", ["150 mm2", "1.5 cm\u00b2", "1,5 cm2", "1.5 sq cm", 1.5])
def test_areas_come_in_square_millimetres_and_centimetres(area: object) -> None:
    assert WORDS.read({"residual_area_cm2": area}).values == {"residual_area_cm2": pytest.approx(1.5)}


@pytest.mark.parametrize(
    "word",
    [
        "NA",
        "N/A",
        "n.a.",
        "nan",
        "Unknown",
        "UNK",
        "[Not Available]",
        "not available",
        "ND",
        "?",
        "-",
        "not done",
        "",
        None,
    ],
)
@pytest.mark.parametrize("name", [variable.name for variable in PROFILE.variables])
def test_words_for_no_value_are_no_value(name: str, word: object) -> None:
    entries = WORDS.read({name: word})
    assert not any((entries.values, entries.problems, entries.unclear))


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("chang_m_stage", "M0/M1"),
        ("chang_m_stage", "M1+"),
        ("chang_m_stage", "M+"),
        ("chang_m_stage", "metastatic"),
        ("chang_m_stage", "M2-3"),
        ("chang_m_stage", "yes"),
        ("extent_of_resection", "partial"),
        ("extent_of_resection", "R0"),
        ("extent_of_resection", "GTR/NTR"),
        ("histology", "9471/3"),
        ("histology", "medulloblastoma"),
        ("molecular_group", "G3/G4"),
        ("molecular_group", "Group 3/4"),
        ("molecular_group", "SHH or WNT"),
        ("sex", "1"),
        ("age_at_diagnosis_years", "about 5"),
        ("age_at_diagnosis_years", "<3"),
        ("age_at_diagnosis_years", "5 m"),
        ("age_at_diagnosis_years", "3-5"),
    ],
)
def test_an_unclear_word_that_decides_treatment_is_refused(name: str, word: str) -> None:
    entries = WORDS.read({name: word})
    assert entries.problems
    assert not entries.values


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("residual_area_cm2", "<1.5 cm2"),
        ("residual_area_cm2", "> 1.5"),
        ("myc_amp", "gain"),
        ("mycn_amp", "equivocal"),
        ("mycn_amp", 2),
        ("tp53_status", "VUS"),
        ("tp53_status", "positive"),
    ],
)
def test_an_unclear_finding_counts_as_missing_and_is_told(name: str, word: object) -> None:
    entries = WORDS.read({name: word})
    assert [problem.column for problem in entries.unclear] == [name]
    assert not any((entries.values, entries.problems))


@pytest.mark.parametrize(
    ("name", "word"),
    [("chang_m_stage", "MX"), ("histology", "Medulloblastoma, NOS"), ("molecular_group", "To be classified")],
)
def test_what_nobody_determined_is_missing(name: str, word: str) -> None:
    entries = WORDS.read({name: word})
    assert not any((entries.values, entries.problems, entries.unclear))
    assert [one.value for one in entries.readings] == ["missing"]
