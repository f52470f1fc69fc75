"""Waveforms to log-mel features: how strong each band of pitch is, a hundred times a second."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

# Power that counts as silence.
FLOOR = 1e-10


@dataclass(frozen=True)
class LogMel:
    """The logarithm of the power in mel bands.

    Parameters
    ----------
    sampling_rate : float
        Instants per second.
    n_mels : int
        Bands.
    window_seconds, hop_seconds : float
        How long a frame looks, and how far frames are apart.

    Notes
    -----
    The bands are librosa's (Slaney's scale, each of area one); the spectrum is torch's.  Equal to
    ``log(maximum(librosa.feature.melspectrogram(...), 1e-10))``.
    """

    sampling_rate: float
    n_mels: int
    window_seconds: float
    hop_seconds: float

    @property
    def window_length(self) -> int:
        """Instants in a frame."""
        return max(1, round(self.window_seconds * self.sampling_rate))

    @property
    def hop_length(self) -> int:
        """Instants between frames."""
        return max(1, round(self.hop_seconds * self.sampling_rate))

    @property
    def n_fft(self) -> int:
        """The window's length, rounded up to a power of two."""
        return 1 << (self.window_length - 1).bit_length()

    def transform(self, waveforms: np.ndarray) -> list[np.ndarray]:
        """Return features (n_frames, n_mels) of each waveform (n_instants,).

        n_frames is 1 + n_instants // hop_length.
        """
        bands = self._bands()
        window = torch.hann_window(self.window_length, dtype=bands.dtype)
        features = [self._of_one(torch.from_numpy(wave), bands, window) for wave in waveforms]
        for row, of_row in enumerate(features):
            if not np.isfinite(of_row).all():
                raise ValueError(
                    f"X has a waveform whose power is too large for float32: row {row} goes up to"
                    f" {np.abs(waveforms[row]).max():g}. Divide it by a constant; sound is usually"
                    " within -1 and 1."
                )
        return features

    def _of_one(self, wave: Tensor, bands: Tensor, window: Tensor) -> np.ndarray:
        lengths = self.n_fft, self.hop_length, self.window_length
        spectrum = torch.stft(
            wave.to(bands.dtype), *lengths, window, pad_mode="constant", return_complex=True
        )
        power = spectrum.real**2 + spectrum.imag**2  # (frequencies, frames)
        return (bands @ power).clamp(min=FLOOR).log().T.contiguous().numpy()

    def _bands(self) -> Tensor:
        """Return the weights of frequencies in each band, (n_mels, n_fft / 2 + 1)."""
        try:
            from librosa import filters
        except ImportError as error:
            raise ModuleNotFoundError(
                "features='log_mel' takes its mel bands from librosa. Install it with: pip install"
                " 'sklloss[speech]', or give your own features, arrays of shape (n_frames,"
                " n_features)."
            ) from error
        bands = filters.mel(
            sr=self.sampling_rate, n_fft=self.n_fft, n_mels=self.n_mels, dtype=np.float32
        )
        return torch.from_numpy(bands)
