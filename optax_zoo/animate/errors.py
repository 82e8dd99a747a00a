"""What can go wrong with an animation, said in one sentence."""


class AnimationError(ValueError):
    """Input that cannot be animated, or a folder that cannot be written to; the message is one sentence."""


def first_line(error: BaseException) -> str:
    """The kind of an error and the first line of its message."""
    lines = str(error).splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
