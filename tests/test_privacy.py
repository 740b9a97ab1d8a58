"""What tells whose films they are stays in manifest.csv: no report, log or message has it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from osteon.__main__ import main
from osteon.testing.sources import write_dicom

QUICK = ["--recipe", "small-cnn", "--set", "epochs=1", "--set", "pixels.size_px=24"]
TELLTALES = (
    "Xaverius", "QX4711", "19561203", "ACC99871", "1.2.276.0.7", "087Y", "Saint Nowhere",
    "StudyNo55", "555-0199",
)  # fmt: skip


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OSTEON_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def film(path: Path, patient: int, number: int) -> None:
    tags = {
        "PatientName": f"Xaverius^Anna {patient}", "PatientBirthDate": "19561203",
        "PatientAge": "087Y", "AccessionNumber": f"ACC99871{number}",
        "StudyInstanceUID": f"1.2.276.0.7.{patient}", "SOPInstanceUID": f"1.2.276.0.7.9.{number}",
        "SeriesInstanceUID": f"1.2.276.0.7.8.{number}", "InstitutionName": "Saint Nowhere",
        "StudyID": "StudyNo55", "Modality": "DX", "PatientTelephoneNumbers": "555-0199",
    }  # fmt: skip
    write_dicom(path, f"QX4711-{patient:03}", number, **tags)


def clinic(folder: Path, *, patients: int = 12, parts: tuple[str, ...] = ("",)) -> Path:
    """Two films of each patient, in folders of classes; a torn one and a copy among them."""
    for patient in range(patients):
        name = ("normal", "fractured")[patient % 2]
        for at in range(2):
            number = 2 * patient + at
            film(folder / parts[at % len(parts)] / name / f"{number:03}.dcm", patient, number)
    whole = next(folder.rglob("000.dcm"))
    (whole.parent / "copy.dcm").write_bytes(whole.read_bytes())
    (whole.parent / "torn.dcm").write_bytes(whole.read_bytes()[:-300])
    return folder


def osteon(*words: object, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(sys, "argv", ["osteon", *map(str, words)])
    with pytest.raises(SystemExit) as end:
        main()
    return int(end.value.code or 0)


def leaks(text: str | bytes) -> list[str]:
    data = text.encode() if isinstance(text, str) else text
    return [word for word in TELLTALES if word.encode() in data]


def leaking(folder: Path) -> dict[str, list[str]]:
    """File -> what it tells, but for the manifest."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != "manifest.csv"]
    assert files
    return {path.name: found for path in files if (found := leaks(path.read_bytes()))}


def test_a_run_on_dicom_films(
    here: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = clinic(here / "films")
    assert osteon("run", folder, "--out", "r", *QUICK, monkeypatch=monkeypatch) == 0
    printed = capfd.readouterr()
    assert "report: r/report.html" in printed.out
    assert leaks(printed.out + printed.err) == []
    manifest = (here / "r" / "manifest.csv").read_text()
    assert leaks(manifest) == ["QX4711", "1.2.276.0.7", "087Y"]  # they were read, and are known
    assert leaking(here / "r") == {}
    assert leaking(here / "cache") == {}


def test_a_run_on_a_table_that_says_more_than_it_needs_to(
    here: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = clinic(here / "films")
    rows = ["path,label,patient_id,study_id,patient_name,birth_date,phone"]
    for path in sorted(folder.rglob("*.dcm")):
        number = int(path.stem) // 2 if path.stem.isdigit() else 0
        rows.append(
            f"{path.relative_to(here).as_posix()},{path.parent.name},QX4711-{number},"
            f"1.2.276.0.7.{number},Xaverius Anna {number},19561203,555-0199"
        )
    (here / "films.csv").write_text("\n".join(rows) + "\n")
    assert osteon("run", "films.csv", "--out", "r", *QUICK, "--json", monkeypatch=monkeypatch) == 0
    printed = capfd.readouterr()
    assert leaks(printed.out + printed.err) == []
    assert "Xaverius" in (here / "r" / "manifest.csv").read_text()
    assert leaking(here / "r") == {}


def test_audits_split_and_what_is_said_of_a_leak(
    here: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A patient on both sides is told by the names of the films."""
    leaky = clinic(here / "leaky", parts=("train", "test"))
    for patient in range(3):  # of one study, under several patients
        film(leaky / "train" / "normal" / f"9{patient}.dcm", 0, 90 + patient)
    other = clinic(here / "other", patients=4)
    for words, code in (
        (["audit", leaky], 1),
        (["audit", leaky, "--json", "--out", "audit.json"], 1),
        (["audit", leaky, other], 1),
        (["audit", leaky, other, "--json", "--out", "independence.json"], 1),
        (["split", leaky, "--split", "grouped", "--out", "s/split.csv"], 0),
        (["run", leaky, "--out", "r", *QUICK], 1),
    ):
        assert osteon(*words, monkeypatch=monkeypatch) == code
        printed = capfd.readouterr()
        assert len(printed.out + printed.err) > 100
        assert leaks(printed.out + printed.err) == [], words
    assert leaking(here / "r") == leaking(here / "s") == {}
    assert leaks((here / "audit.json").read_bytes()) == []
    assert leaks((here / "independence.json").read_bytes()) == []


def test_a_table_of_labels_by_patient_is_not_quoted(
    here: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = here / "films"
    for number in range(12):
        film(folder / f"{number}.dcm", number, number)
    rows = [f"QX4711-{n:03},{('normal', 'fractured')[n % 2]}" for n in range(14)]  # two too many
    (folder / "labels.csv").write_text("\n".join(["PatientID,label", *rows]) + "\n")
    assert osteon("audit", folder, "--json", monkeypatch=monkeypatch) == 0
    printed = capfd.readouterr()
    assert "2 rows of the table of labels without a film" in printed.out
    assert leaks(printed.out + printed.err) == []
    (folder / "labels.csv").write_text("\n".join(["PatientID,label", rows[0], "QX4711-000,b"]))
    assert osteon("audit", folder, "--json", monkeypatch=monkeypatch) == 3
    printed = capfd.readouterr()
    assert "of the same 'PatientID'" in printed.err
    assert leaks(printed.out + printed.err) == []


def test_deidentifying_prints_new_names_alone(
    here: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = clinic(here / "films")
    words = ["deidentify", folder, "--out", "new", "--key", "key.csv"]
    assert osteon(*words, "--json", monkeypatch=monkeypatch) == 1  # the torn film
    printed = capfd.readouterr()
    assert leaks(printed.out + printed.err) == []
    assert leaking(here / "new") == {}
    assert leaks((here / "key.csv").read_bytes()) == ["QX4711", "1.2.276.0.7"]
