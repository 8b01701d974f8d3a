"""Windows of a spectrum around the pixels that the global Ridge weighs most, and the convolutions that they share.

With the defaults, 256 windows of 17 pixels, and the head of ``local_tower`` there are 27,873 parameters, as published
(method.md section 10):

    convolution along a window, 1 → 16 channels, 3 pixels, every second place: 17 pixels to 9 places            64
    convolution along the window, 16 → 32 channels, 9 places: one place is left                             4,640
    convolution over the windows, 32 → 64 channels, 3 windows; mean over each of 8 segments of windows      6,208
    512 → 32 → 16 → 1                                                                                      16,961

The source does not give its kernels: these are the layout of small ones, without further parts, that has its number.
"""

import numpy as np
import torch

from gravispec.errors import InputError

CHANNELS = 16, 32, 64
FIRST, OVER = 3, 3  # pixels of the first kernel, windows of the last one; the second has all places of a window
STRIDE = 2


def window_pixels(coef, *, windows, width, spacing=1):
    """Pixels (windows, width) around the largest |coef| (P,) of a Ridge, windows in the order of wavelength.

    Every window is whole: pixels too near an end of the spectrum are no centres. Centres are ``spacing`` pixels apart
    at least, the largest coefficient first. Raises ``InputError`` for an even width, and where the
    spectrum has not so many windows.
    """
    if width % 2 == 0:
        raise InputError(f"width = {width}: a window has an odd number of pixels, as many on either side of its centre")
    half = width // 2
    inside = np.arange(half, len(coef) - half)
    free, chosen = np.ones(len(coef), bool), []
    for pixel in inside[np.argsort(-np.abs(coef[inside]), kind="stable")]:
        if free[pixel] and len(chosen) < windows:
            chosen.append(pixel)
            free[max(pixel - spacing + 1, 0) : pixel + spacing] = False
    if len(chosen) < windows:
        raise InputError(
            f"windows = {windows}: spectra of {len(coef)} pixels have {len(chosen)} whole windows of {width} pixels, "
            f"{spacing} apart; take so many or fewer"
        )
    return np.sort(chosen)[:, None] + np.arange(-half, half + 1)


class Windows(torch.nn.Module):
    """Flux (B, P) to (B, 64 · segments). ``pixels`` (W, width); ``mean`` and ``scale`` (P,) standardise the flux."""

    def __init__(self, pixels, mean, scale, segments):
        super().__init__()
        if segments > len(pixels):
            raise InputError(f"segments = {segments} of {len(pixels)} windows: take fewer")
        self.register_buffer("pixels", torch.as_tensor(pixels))
        self.register_buffer("mean", torch.as_tensor(mean, dtype=torch.float32))
        self.register_buffer("scale", torch.as_tensor(scale, dtype=torch.float32))
        width, (of_first, of_second, of_third) = self.pixels.shape[1], CHANNELS
        self.first = torch.nn.Conv1d(1, of_first, FIRST, stride=STRIDE, padding=FIRST // 2)
        self.second = torch.nn.Conv1d(of_first, of_second, (width - 1) // STRIDE + 1)
        self.third = torch.nn.Conv1d(of_second, of_third, OVER, padding=OVER // 2)
        self.segments = torch.nn.AdaptiveAvgPool1d(segments)
        self.standard = torch.nn.BatchNorm1d(of_third * segments, affine=False)

    @property
    def size(self):
        """Numbers that come out for a star."""
        return self.standard.num_features

    def forward(self, flux):
        rows = ((flux - self.mean) / self.scale)[:, self.pixels]  # (B, W, width)
        of_window = self.of_windows(rows.flatten(0, 1)).view(*rows.shape[:2], -1)
        of_segment = self.segments(torch.relu(self.third(of_window.transpose(1, 2))))
        return self.standard(of_segment.flatten(1))

    def of_windows(self, rows):
        """The two convolutions along windows, (n, width) to (n, 32).

        As products of matrices: convolutions of rows that short take three times as long.
        """
        width, places, pad = rows.shape[1], self.second.kernel_size[0], FIRST // 2
        band = torch.cat(
            [
                torch.nn.functional.pad(self.first.weight[:, 0], (STRIDE * i, width + 2 * pad - FIRST - STRIDE * i))
                for i in range(places)
            ]
        )[:, pad : pad + width]  # (places · 16, width)
        found = torch.relu(torch.addmm(self.first.bias.repeat(places), rows, band.T))
        return torch.relu(torch.addmm(self.second.bias, found, self.second.weight.permute(2, 1, 0).flatten(0, 1)))
