"""A film as a DICOM Digital X-Ray object (PS3.3 A.26, C.8.11)."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from osteon.phantom.film import to_gray16

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from osteon.phantom.scene import Film

_BITS = 12
_BODY_PART = {"hand": "HAND", "forearm": "FOREARM", "shoulder": "SHOULDER", "hip": "HIP",
              "leg": "LEG"}  # fmt: skip
_DX_FOR_PRESENTATION = "1.2.840.10008.5.1.4.1.1.1.1.1"


def dicom_bytes(film: Film, gray: NDArray[np.float32]) -> bytes:
    """``gray`` (bone white) as 12 bits; film scanners store it as MONOCHROME1."""
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid

    case = film.case
    root = [f"osteon phantom {case.seed}"]
    uid = generate_uid(entropy_srcs=[*root, f"film {case.index}"])
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(_DX_FOR_PRESENTATION)
    meta.MediaStorageSOPInstanceUID = uid
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    out = io.BytesIO()
    data = FileDataset(out, {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID, data.SOPInstanceUID = _DX_FOR_PRESENTATION, uid
    data.StudyInstanceUID = generate_uid(entropy_srcs=[*root, case.study_id])
    data.SeriesInstanceUID = generate_uid(entropy_srcs=[*root, case.study_id, case.view])
    _describe(data, film)
    _add_pixels(data, film, gray)
    data.save_as(out, enforce_file_format=True)
    return out.getvalue()


def _describe(data: Dataset, film: Film) -> None:
    case = film.case
    data.Modality = "DX"
    data.PatientID = case.patient_id
    data.PatientName = f"Phantom^{case.patient}"
    data.PatientBirthDate = data.StudyTime = data.AccessionNumber = ""
    data.PatientSex = "O"
    data.StudyDate = "20000101"
    data.StudyID = case.study_id[-16:]
    data.SeriesNumber, data.InstanceNumber = case.study + 1, case.index + 1
    data.Manufacturer = "osteon phantom"
    data.ManufacturerModelName = film.scanner.maker
    data.StationName = film.scanner.name
    data.KVP = f"{film.kvp:.0f}"
    data.BodyPartExamined = _BODY_PART[case.region]
    data.ImageLaterality = case.side
    lateral = "LLD" if case.side == "L" else "RLD"
    data.ViewPosition = "AP" if case.view == "frontal" else lateral[:2]
    data.PresentationIntentType = "FOR PRESENTATION"
    data.ImageType = ["DERIVED", "PRIMARY", ""]
    data.ImagerPixelSpacing = data.PixelSpacing = [f"{film.spacing_mm:.5f}"] * 2


def _add_pixels(data: Dataset, film: Film, gray: NDArray[np.float32]) -> None:
    inverse = film.scanner.borders == "white"  # digitised films: the stored value is density
    stored = to_gray16(1.0 - gray if inverse else gray, _BITS)
    data.SamplesPerPixel = 1
    data.PhotometricInterpretation = "MONOCHROME1" if inverse else "MONOCHROME2"
    data.PresentationLUTShape = "INVERSE" if inverse else "IDENTITY"
    data.Rows, data.Columns = stored.shape
    data.BitsAllocated, data.BitsStored, data.HighBit = 16, _BITS, _BITS - 1
    data.PixelRepresentation = 0
    data.BurnedInAnnotation = "NO"
    data.PixelIntensityRelationship = "LOG"
    data.PixelIntensityRelationshipSign = 1
    data.RescaleIntercept, data.RescaleSlope, data.RescaleType = "0", "1", "US"
    data.WindowCenter, data.WindowWidth = str(2 ** (_BITS - 1)), str(2**_BITS)
    data.PixelData = stored.astype("<u2").tobytes()
