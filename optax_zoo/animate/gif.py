"""A GIF in which every colour that matters is exact: Pillow's own choice of a palette tints white and greys."""

import io
from typing import Any

import numpy as np

COLOURS = 250  # Pillow needs room for a transparent one, for what has not changed


def gif(frames: list[Any], durations: list[int]) -> bytes:
    """Images as a GIF that repeats forever.

    Args:
      frames: RGB images of one size.
      durations: how long each is shown, in milliseconds.
    """
    packed = [_packed(frame) for frame in frames]
    palette = _commonest([packed[0], packed[len(packed) // 2], packed[-1]])
    index = np.full(1 << 24, -1, np.int16)
    first, *others = [_indexed(each, palette, index) for each in packed]
    buffer = io.BytesIO()
    first.save(buffer, "GIF", save_all=True, append_images=others, duration=durations, loop=0)
    return buffer.getvalue()


def _packed(image: Any) -> np.ndarray:
    """Each pixel as one number."""
    red, green, blue = np.moveaxis(np.asarray(image, np.int32), -1, 0)
    return red << 16 | green << 8 | blue


def _unpacked(colours: np.ndarray) -> np.ndarray:
    return np.stack([colours >> 16, colours >> 8 & 255, colours & 255], axis=-1)


def _commonest(images: list[np.ndarray]) -> np.ndarray:
    colours, counts = np.unique(np.stack(images), return_counts=True)
    return colours[np.argsort(-counts, kind="stable")[:COLOURS]]


def _indexed(packed: np.ndarray, palette: np.ndarray, index: np.ndarray) -> Any:
    """The image with each pixel's nearest colour of the palette; `index` caches which that is, by colour."""
    from PIL import Image

    new = np.unique(packed[index[packed] < 0])
    distance = np.square(_unpacked(new)[:, None] - _unpacked(palette)).sum(axis=-1)
    index[new] = distance.argmin(axis=1)
    image = Image.fromarray(index[packed].astype(np.uint8))
    image.putpalette(_unpacked(palette).astype(np.uint8).tobytes())
    return image
