"""Who runs this process."""

import getpass
import os


def user() -> str:
    """The user's name; the number of one that the machine has no name for, as in many containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
