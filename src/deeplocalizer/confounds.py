"""Confounds: what may tell categories of images apart besides what they show.

measure          luminance, contrast, spatial frequencies and colour of every input
compare          how far the sides of each contrast differ in them
STATISTICS       what is measured

All is measured on the pixels that a network sees, after its resizing and cropping, on the scale on which images are
stored: luminance is the Rec. 601 luma of the encoded values, from 0 to 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from scipy import fft, sparse, stats

# the cut-offs of face research: the identity and configuration of a face that fills the image is carried below 8 and
# its fine features above 32 cycles per image (Goffaux & Rossion 2006, J Exp Psychol Hum Percept Perform 32:1023-1039)
BANDS = {"low": (0.0, 8.0), "middle": (8.0, 32.0), "high": (32.0, np.inf)}
STATISTICS = {
    "luminance": "mean luminance, 0 to 1",
    "contrast": "root-mean-square contrast: standard deviation of luminance",
    "low": "share of spectral power below 8 cycles per image",
    "middle": "share of spectral power from 8 to 32 cycles per image",
    "high": "share of spectral power from 32 cycles per image",
    "slope": "slope of the amplitude spectrum, on logarithmic axes",
    "colourfulness": "colourfulness after Hasler and Süsstrunk",
}
MEASURED_SPLITS = ("localize", "select", "test")
CONFIDENCE = 0.95
LUMA = (0.299, 0.587, 0.114)  # Rec. 601
WHITE = 255.0
BLOCK = 64  # images that are decoded to floating point at a time
FIRST_RING = 3  # cycles; Hann's window spreads the mean over less than that
ROUNDING = 1e-12  # relative precision of what is measured; less power than that, or less spread, is rounding


def measure(inputs: xr.Dataset) -> xr.Dataset:
    """Measure what may tell categories apart, in every input.

    Parameters
    ----------
    inputs : Dataset
        ``pixel_values`` (stimulus, channel, y, x), uint8, of one or three channels, as `inputs.prepare` makes it. It is
        read in blocks of stimuli: memory does not grow with their number.

    Returns
    -------
    Dataset
        ``value`` (stimulus, statistic), with all that is known of each stimulus; on ``statistic``, those of
        `STATISTICS` that the images have: a band only if it begins below their Nyquist frequency and is not the only
        one, ``colourfulness`` only of three channels. What a uniform image has not (frequencies) is NaN.

    Raises
    ------
    ValueError
        If there are neither one nor three channels.

    Notes
    -----
    Contrast is that of Peli (1990, J Opt Soc Am A 7:2032-2040). The spectrum is that of the luminance less its mean,
    under a Hann window (in two directions), which keeps the edges of the image from leaking into all frequencies; a
    cycle per image is one per shorter side. Only frequencies up to Nyquist's in all directions count, and shares are of
    their power. The slope is that of a straight line through the logarithms of amplitude (root of the mean power of
    each ring one cycle wide) and frequency, from `FIRST_RING` cycles on; natural images have about -1 (Field 1987,
    J Opt Soc Am A 4:2379-2394). Colourfulness is that of Hasler and Süsstrunk (2003, Proc SPIE 5007:87-95), on channels
    from 0 to 255: 0 is grey, 33 moderately and 82 highly colourful.
    """
    images = inputs["pixel_values"].transpose("stimulus", "channel", "y", "x")
    stimuli, channels, height, width = images.shape
    if channels not in (1, 3):
        raise ValueError(f"pixel_values has {channels} channels; expected one (grey) or three (red, green, blue)")
    rings = _Rings(height, width)
    names = [*("luminance", "contrast"), *rings.bands, *(["slope"] if rings.fitted else [])]
    names += ["colourfulness"] if channels == 3 else []
    values = np.empty((stimuli, len(names)))
    for start in range(0, stimuli, BLOCK):
        block = images[start : start + BLOCK].values.astype(float)
        luminance = (np.einsum("nchw,c->nhw", block, LUMA) if channels == 3 else block[:, 0]) / WHITE
        columns = [luminance.mean(axis=(1, 2)), luminance.std(axis=(1, 2)), *rings.measure(luminance)]
        columns += [_colourfulness(block)] if channels == 3 else []
        values[start : start + BLOCK] = np.stack(columns, axis=1)
    kept = {name: one for name, one in inputs.coords.items() if one.dims == ("stimulus",)}
    return xr.Dataset(
        {"value": (("stimulus", "statistic"), values, {"long_name": "what may tell categories apart"})},
        coords={**kept, "statistic": np.array(names, dtype=object), "meaning": ("statistic", _meanings(names))},
    )


def compare(measured: xr.Dataset, contrasts: Mapping[str, Mapping[str, Sequence[str]]]) -> xr.Dataset:
    """Say how far the two sides of each contrast differ in what was measured.

    Parameters
    ----------
    measured : Dataset
        As `measure` makes it.
    contrasts : mapping
        By name: ``preferred`` and ``other``, lists of categories; the stimuli of a list are pooled. All that are not
        for training count: units are found in some and effects measured in others.

    Returns
    -------
    Dataset
        On (contrast, statistic): ``difference`` of means, in units of the statistic; ``d``, Cohen's d by the pooled
        standard deviation, with its interval ``d_low`` and ``d_high`` at 95 %; ``auroc``, the probability that the
        statistic of a preferred image is above that of another, ties counting half; ``n_preferred`` and ``n_other``.
        A statistic that is constant on both sides has a d of 0, or an infinite one where the constants differ, and no
        interval about it.

    Raises
    ------
    ValueError
        If a contrast has fewer than two stimuli on a side, naming it.

    Notes
    -----
    Where images were matched, what is left of a statistic hardly varies, so that a d can be large and mean nothing: the
    difference then says how little it is.

    The interval is the large-sample one of Hedges & Olkin (1985, Statistical Methods for Meta-Analysis, chapter 5,
    equation 14): d has the variance (n1 + n2) / (n1 n2) + d² / (2 (n1 + n2)).
    """
    category, split = (measured[name].values.astype(str) for name in ("category", "split"))
    used = np.isin(split, MEASURED_SPLITS)
    values = measured["value"].transpose("stimulus", "statistic").values
    cells: dict[str, list[list[float]]] = {name: [] for name in _COMPARED}
    for name, sides in contrasts.items():
        preferred, other = (values[used & np.isin(category, list(sides[side]))] for side in ("preferred", "other"))
        for side, sample in (("preferred", preferred), ("other", other)):
            if len(sample) < 2:
                raise ValueError(f"contrast {name!r}: {side} has {len(sample)} stimuli; expected two or more")
        row = [_difference(preferred[:, column], other[:, column]) for column in range(values.shape[1])]
        for key in _COMPARED:
            cells[key].append([cell[key] for cell in row])
    variables = {
        key: (("contrast", "statistic"), np.array(rows).reshape(len(contrasts), -1), {"long_name": _COMPARED[key]})
        for key, rows in cells.items()
    }
    coords = {"contrast": np.array(list(contrasts), dtype=object), "statistic": measured["statistic"]}
    compared = xr.Dataset(variables, coords=coords).drop_vars("meaning", errors="ignore")
    counts = {key: compared[key].astype(np.int64) for key in ("n_preferred", "n_other")}
    return compared.assign({key: one.assign_attrs(compared[key].attrs) for key, one in counts.items()})


_COMPARED = {
    "difference": "mean of the preferred images less that of the others, in units of the statistic",
    "d": "Cohen's d of the preferred images less the others, by the pooled standard deviation",
    "d_low": "lower end of the 95 % interval of d",
    "d_high": "upper end of the 95 % interval of d",
    "auroc": "probability that a preferred image has more of it than another",
    "n_preferred": "stimuli of the preferred categories",
    "n_other": "stimuli of the other categories",
}


class _Rings:
    """The rings and bands of spatial frequency of images of one size.

    Parameters
    ----------
    height, width : int
        In pixels.
    """

    def __init__(self, height: int, width: int) -> None:
        side = min(height, width)
        radius = side * np.hypot(fft.fftfreq(height)[:, None], fft.rfftfreq(width))  # cycles per shorter side
        nyquist = side / 2
        # half of the spectrum stands for all of it: its inner columns count twice
        twice = np.full(radius.shape, 2.0)
        twice[:, 0] = 1
        if width % 2 == 0:
            twice[:, -1] = 1
        counts = ((radius > 0) & (radius <= nyquist)) * twice
        self.window = np.outer(_hann(height), _hann(width))
        bands = [name for name, (low, _) in BANDS.items() if low < nyquist]
        self.bands = bands if len(bands) > 1 else []  # the share of a single band is always one
        inside = [counts * ((radius >= BANDS[name][0]) & (radius < BANDS[name][1])) for name in self.bands]
        frequencies = np.arange(FIRST_RING, int(nyquist) + 1)
        rings = [counts * (np.rint(radius) == frequency) for frequency in frequencies]
        sizes = np.array([ring.sum() for ring in rings])
        self.fitted = len(frequencies) >= 2
        self._log_frequency = np.log(frequencies)
        self._sizes = sizes
        self._sums = sparse.csr_array(np.stack([one.ravel() for one in [counts, *inside, *rings]]))

    def measure(self, luminance: np.ndarray) -> list[np.ndarray]:
        """Give the share of each band, and the slope if one can be fitted, of images (image, y, x)."""
        mean = (luminance * self.window).sum(axis=(1, 2), keepdims=True) / self.window.sum()
        flat = np.ptp(luminance, axis=(1, 2)) == 0
        spectrum = fft.rfft2((luminance - mean) * self.window, axes=(1, 2))
        power = (spectrum.real**2 + spectrum.imag**2).reshape(len(luminance), -1)
        sums = (self._sums @ power.T).T
        total, in_bands, in_rings = np.split(sums, [1, 1 + len(self.bands)], axis=1)
        known = ~flat[:, None] & (total > 0)
        shares = np.full(in_bands.shape, np.nan)
        np.divide(in_bands, total, out=shares, where=known)
        return [*shares.T, *([self._slope(in_rings, total[:, 0], known[:, 0])] if self.fitted else [])]

    def _slope(self, in_rings: np.ndarray, total: np.ndarray, known: np.ndarray) -> np.ndarray:
        """Fit the slope over the rings that hold more than rounding."""
        weight = (in_rings > ROUNDING * total[:, None]) & known[:, None]
        amplitude = np.zeros_like(in_rings)
        np.log(in_rings / self._sizes, out=amplitude, where=weight)
        amplitude /= 2  # the root of power
        count = weight.sum(axis=1)
        enough = count >= 2
        safe = np.where(enough, count, 1)
        x = self._log_frequency - ((weight * self._log_frequency).sum(axis=1) / safe)[:, None]
        slope = np.full(len(in_rings), np.nan)
        np.divide((weight * x * amplitude).sum(axis=1), (weight * x**2).sum(axis=1), out=slope, where=enough)
        return slope


def _hann(length: int) -> np.ndarray:
    """Give Hann's window, zero half a pixel outside of the image, so that no pixel is thrown away."""
    window: np.ndarray = np.sin(np.pi * (np.arange(length) + 0.5) / length) ** 2
    return window


def _colourfulness(block: np.ndarray) -> np.ndarray:
    red, green, blue = (block[:, channel].reshape(len(block), -1) for channel in range(3))
    opponents = np.stack([red - green, (red + green) / 2 - blue])
    spread, mean = np.hypot(*opponents.std(axis=-1)), np.hypot(*opponents.mean(axis=-1))
    return np.asarray(spread + 0.3 * mean)


def _difference(preferred: np.ndarray, other: np.ndarray) -> dict[str, float]:
    """Compare one statistic of two samples; images that have none of it do not count."""
    preferred, other = (sample[np.isfinite(sample)] for sample in (preferred, other))
    n1, n2 = len(preferred), len(other)
    counts: dict[str, float] = {"n_preferred": n1, "n_other": n2}
    if min(n1, n2) < 2:
        return {key: counts.get(key, np.nan) for key in _COMPARED}
    difference = float(preferred.mean() - other.mean())
    known = {**counts, "difference": difference}
    spread = float(np.sqrt((n1 * preferred.var() + n2 * other.var()) / (n1 + n2 - 2)))
    rounding = ROUNDING * max(np.abs(preferred).max(), np.abs(other).max())
    if spread <= rounding:
        side = 0.0 if abs(difference) <= rounding else float(np.sign(difference))
        d = side * np.inf if side else 0.0
        return {"d": d, "d_low": d, "d_high": d, "auroc": (1 + side) / 2, **known}
    d = difference / spread
    reach = stats.norm.ppf((1 + CONFIDENCE) / 2) * np.sqrt((n1 + n2) / (n1 * n2) + d**2 / (2 * (n1 + n2)))
    ranks = stats.rankdata(np.concatenate([preferred, other]))[:n1]
    auroc = float((ranks.sum() - n1 * (n1 + 1) / 2) / (n1 * n2))
    return {"d": d, "d_low": d - float(reach), "d_high": d + float(reach), "auroc": auroc, **known}


def _meanings(names: Sequence[str]) -> Any:
    return np.array([STATISTICS[name] for name in names], dtype=object)
