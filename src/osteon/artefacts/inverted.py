"""Bone black on white: a film printed or stored the wrong way round."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from osteon.artefacts import DETECTORS
from osteon.artefacts.frame import frame_px
from osteon.artefacts.picture import Picture
from osteon.types import Artefact

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE_PX = 128
RIM = 0.06  # of the shorter side
SCALES_PX = (0.75, 1.5, 3.0)
# Of the signs below, each turned round by inversion: a logistic regression on 389 real films and
# their inversions, none of them of the films that the recall in docs/audit.md is measured on.
WEIGHTS = (1.6392, -1.5421, -0.5899, -0.2162, -0.3612, -0.3021, -0.6223)
LOGIT = 1.386  # a probability of 0.8


@DETECTORS.register("inverted")
def inverted(picture: Picture) -> Iterator[Artefact]:
    signs = _signs(picture.gray)
    if signs is not None and float(np.dot(WEIGHTS, signs)) > LOGIT:
        yield Artefact(kind="inverted")


def _signs(gray: NDArray[np.uint8]) -> list[float] | None:
    """Brighter rim than middle; skew; skew of fine structure at three scales; more of the darkest
    than of the brightest tone; how much rougher the bright part is than the dark one, as air is
    smooth and bone is not."""
    import cv2

    scale = min(1.0, SIDE_PX / max(gray.shape))
    if scale < 1:
        size = [max(1, round(side * scale)) for side in (gray.shape[1], gray.shape[0])]
        gray = cv2.resize(gray, size, interpolation=cv2.INTER_AREA)
    top, bottom, left, right = frame_px(gray)
    gray = gray[top : gray.shape[0] - bottom, left : gray.shape[1] - right]
    height, width = gray.shape
    if min(height, width) < 24:
        return None
    film = gray.astype(np.float32) / 255
    film = (film - film.mean()) / (film.std() + 1e-3)
    deep = max(1, int(RIM * min(height, width)))
    rim = np.concatenate([
        film[:deep].ravel(), film[-deep:].ravel(), film[:, :deep].ravel(), film[:, -deep:].ravel()
    ])  # fmt: skip
    middle = film[height // 5 : -(height // 5), width // 5 : -(width // 5)]
    low, half, high = np.percentile(film, (5, 50, 95))
    dark, bright = film <= np.percentile(film, 30), film >= np.percentile(film, 70)
    rough = cv2.magnitude(cv2.Sobel(film, cv2.CV_32F, 1, 0), cv2.Sobel(film, cv2.CV_32F, 0, 1))
    return [
        float(np.median(rim) - np.median(middle)),
        float((high - 2 * half + low) / (high - low + 1e-3)),
        *(_fine_skew(film, scale_px) for scale_px in SCALES_PX),
        float((gray <= int(gray.min()) + 12).mean() - (gray >= int(gray.max()) - 12).mean()),
        float(np.log((rough[bright].mean() + 0.01) / (rough[dark].mean() + 0.01))),
    ]


def _fine_skew(film: NDArray[np.float32], scale_px: float) -> float:
    """Above 0 where fine structure is bright on dark, as the cortex of bone is."""
    import cv2

    fine = cv2.GaussianBlur(film, (0, 0), scale_px) - cv2.GaussianBlur(film, (0, 0), 1.6 * scale_px)
    return float((fine**3).mean() / ((fine**2).mean() ** 1.5 + 1e-9))
