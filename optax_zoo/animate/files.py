"""The files of an animation: GIF, MP4 if ffmpeg is installed, and the plot of errors."""

import dataclasses
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from optax_zoo.animate.animation import Animation
from optax_zoo.animate.contours import Contours
from optax_zoo.animate.curve import Curve
from optax_zoo.animate.error_plot import error_plot
from optax_zoo.animate.gif import gif

MOST_FRAMES = 100
HOLD = 2.0


def write(animation: Animation, folder: Path, fps: int, notify: Callable[[str], None]) -> Animation:
    """Writes errors.png, animation.gif and animation.mp4 to a folder, replacing older ones.

    Args:
      animation: what is drawn.
      folder: an existing folder.
      fps: pictures per second.
      notify: is told what is being drawn.

    Returns:
      The animation with the names of its files, and a note if there is no MP4.
    """
    notify("errors.png")
    error_plot(animation).savefig(folder / "errors.png", dpi=130)
    picture = (Curve if len(animation.landscape.start) == 1 else Contours)(animation)
    frames = list(_frames(picture, shown(animation.steps), notify))
    notify("animation.gif")
    durations = [round(100 / fps) * 10] * len(frames)
    (folder / "animation.gif").write_bytes(gif(frames, [*durations[1:], int(HOLD * 1000)]))
    written, notes = ["errors.png", "animation.gif"], []
    notify("animation.mp4")
    reason = mp4(frames + frames[-1:] * int(HOLD * fps), folder / "animation.mp4", fps)
    if reason is None:
        written.append("animation.mp4")
    else:
        notes.append(f"animation.mp4 is left out: {reason}.")
    return dataclasses.replace(animation, files=tuple(written), notes=(*animation.notes, *notes))


def shown(steps: int) -> list[int]:
    """The steps that get a frame: 0, the last, and at most `MOST_FRAMES` in between, evenly spaced."""
    stride = -(-steps // MOST_FRAMES)
    return [*range(0, steps, stride), steps]


def _frames(picture: Any, steps: list[int], notify: Callable[[str], None]) -> Iterator[Any]:
    """Images: what does not move is drawn once."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    canvas = FigureCanvasAgg(picture.figure)
    canvas.draw()
    still = canvas.copy_from_bbox(picture.figure.bbox)
    tenth = max(1, len(steps) // 10)
    for number, step in enumerate(steps):
        if number % tenth == 0:
            notify(f"frame {number + 1} of {len(steps)}")
        picture.show(step)
        canvas.restore_region(still)
        for artist in picture.moving:
            picture.figure.draw_artist(artist)
        yield Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")


def mp4(frames: list[Any], path: Path, fps: int) -> str | None:
    """Images as an MP4; returns None, or why there is none.

    Args:
      frames: images of one size.
      path: the file to write.
      fps: pictures per second.
    """
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        return "ffmpeg is not on the PATH"
    width, height = frames[0].size
    source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", str(fps), "-i", "-"]
    even = ["-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2:color=white", "-pix_fmt", "yuv420p"]
    draft = path.with_suffix(".draft.mp4")
    command = [ffmpeg, "-y", "-loglevel", "error", *source, *even, str(draft)]
    try:
        subprocess.run(command, input=b"".join(frame.tobytes() for frame in frames), capture_output=True, check=True)
        draft.replace(path)
    except OSError as error:
        return f"{ffmpeg} does not run ({error})"
    except subprocess.CalledProcessError as error:
        words = error.stderr.decode(errors="replace").split()
        return f"ffmpeg fails with {' '.join(words)[:200] or error.returncode}"
    finally:
        draft.unlink(missing_ok=True)
    return None
