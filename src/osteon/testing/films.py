"""Films of every format, made for the tests of the decoder and of all that stands on it."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import simplejpeg
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian

from osteon.types import Manifest, Radiograph

Pixels = NDArray[np.uint8]


def picture(width: int = 40, height: int = 30, *, seed: int = 0) -> Pixels:
    """A smooth film without any symmetry: turned or mirrored it is another."""
    rows, columns = np.mgrid[0:height, 0:width]
    wave = 90 + 60 * np.sin(columns / (5 + seed) + rows / 9) + 2 * columns + rows
    return np.asarray(wave.clip(0, 255), np.uint8)


def saved(image: Image.Image, name: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, name, **options)
    return file.getvalue()


def with_orientation(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def jpeg(gray: Pixels, *, quality: int = 90) -> bytes:
    return bytes(simplejpeg.encode_jpeg(np.ascontiguousarray(gray[..., None]), quality, "GRAY"))


def dicom_dataset(stored: NDArray[Any], *, bits: int = 12, **tags: Any) -> Dataset:
    """A radiograph of one frame whose stored values are ``stored``; ``tags`` by keyword."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    dataset.file_meta.MediaStorageSOPInstanceUID = UID("1.2.3.4")
    dataset.SOPClassUID = DigitalXRayImageStorageForPresentation
    dataset.SOPInstanceUID = UID("1.2.3.4")
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.Rows, dataset.Columns = stored.shape[:2]
    dataset.BitsAllocated = 8 * stored.dtype.itemsize
    dataset.BitsStored = bits
    dataset.HighBit = bits - 1
    dataset.PixelRepresentation = int(stored.dtype.kind == "i")
    for name, value in tags.items():
        setattr(dataset, name, value)
    dataset.PixelData = stored.tobytes()
    dataset["PixelData"].VR = "OW" if stored.dtype.itemsize == 2 else "OB"
    return dataset


def dicom_bytes(dataset: Dataset) -> bytes:
    file = io.BytesIO()
    pydicom.dcmwrite(file, dataset, enforce_file_format=True)
    return file.getvalue()


def dicom(stored: NDArray[Any], *, bits: int = 12, **tags: Any) -> bytes:
    return dicom_bytes(dicom_dataset(stored, bits=bits, **tags))


def one_of_each(seed: int = 0) -> dict[str, bytes]:
    """File name -> bytes, one readable film of each format and of each odd kind of it."""
    gray = picture(seed=seed)
    image = Image.fromarray(gray)
    deep = gray.astype(np.uint16) * 257
    see_through = Image.merge("LA", (image, Image.fromarray(gray.T.copy()).resize((40, 30))))
    frames = [Image.fromarray(np.roll(gray, n, 1)) for n in range(1, 3)]
    return {
        "gray.jpg": jpeg(gray),
        "colour.jpg": saved(image.convert("RGB"), "JPEG", quality=90),
        "cmyk.jpg": saved(image.convert("CMYK"), "JPEG", quality=90),
        "turned.jpg": saved(image, "JPEG", exif=with_orientation(6)),
        "progressive.jpg": saved(image, "JPEG", progressive=True),
        "gray.png": saved(image, "PNG"),
        "deep.png": saved(Image.fromarray(deep), "PNG"),
        "bits.png": saved(image.convert("1"), "PNG"),
        "palette.png": saved(image.convert("RGB").quantize(64), "PNG"),
        "alpha.png": saved(see_through, "PNG"),
        "gray.gif": saved(image, "GIF"),
        "moving.gif": saved(image, "GIF", save_all=True, append_images=frames),
        "gray.webp": saved(image.convert("RGB"), "WEBP", lossless=True),
        "gray.bmp": saved(image, "BMP"),
        "gray.tif": saved(image, "TIFF"),
        "packed.tif": saved(image, "TIFF", compression="tiff_lzw"),
        "deep.tif": saved(Image.fromarray(deep), "TIFF"),
        "film.dcm": dicom(deep >> 4, WindowCenter=2048, WindowWidth=4096),
    }


def written(folder: Path, files: Mapping[str, bytes]) -> Manifest:
    """The files on disk, and the manifest of them in the order given."""
    films = []
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        films.append(Radiograph(id=name, path=path, label=0))
    return Manifest(
        root=folder, source="test", recognised_by="made", classes=("normal",),
        radiographs=tuple(films),
    )  # fmt: skip


def write_film(path: Path, *, seed: int, size_px: int = 32) -> Path:
    """A film of its own for each seed, in the format that the suffix says."""
    noise = np.random.default_rng(seed).integers(0, 256, size=(8, 8), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(noise).resize((size_px, size_px)).save(path)
    return path
