"""Linux seccomp: which system calls this process may make from now on, in all of its threads.

It closes what Landlock leaves open: programs in memory, networks other than TCP, modes, owners and flags of files that can only
be read, limits and turns of other processes, memory and messages that are shared with them, and keys that are typed for the
shell behind a terminal. It needs no privilege and cannot be taken back (man 2 seccomp).
"""

import ctypes
import errno
import platform
import struct
import sys
from collections.abc import Iterable

from scorehouse_confinement.landlock import no_new_privileges

PROGRAMS = ("execve", "execveat")
NETWORK = ("socket", "io_uring_setup")
METADATA = tuple(
    "chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat setxattr lsetxattr fsetxattr setxattrat removexattr"
    " lremovexattr fremovexattr removexattrat utime utimes futimesat utimensat".split()
)
OTHER_PROCESSES = tuple(
    "ptrace process_vm_readv process_vm_writev pidfd_getfd kcmp bpf perf_event_open userfaultfd keyctl add_key request_key"
    " sched_setattr sched_setparam sched_setscheduler sched_setaffinity setpriority ioprio_set migrate_pages move_pages"
    " process_madvise ioctl mount umount2 pivot_root chroot unshare setns"
    " shmget shmat shmctl semget semop semtimedop semctl msgget msgsnd msgrcv msgctl mq_open mq_unlink".split()
)

_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_NUMBERS = {
    # name: (x86_64, aarch64); None where the architecture has no such call
    "execve": (59, 221),
    "execveat": (322, 281),
    "socket": (41, 198),
    "io_uring_setup": (425, 425),
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, None),
    "fchown": (93, 55),
    "lchown": (94, None),
    "fchownat": (260, 54),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
    "setxattrat": (463, 463),
    "removexattrat": (466, 466),
    "utime": (132, None),
    "utimes": (235, None),
    "futimesat": (261, None),
    "utimensat": (280, 88),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "pidfd_getfd": (438, 438),
    "kcmp": (312, 272),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "sched_setattr": (314, 274),
    "sched_setparam": (142, 118),
    "sched_setscheduler": (144, 119),
    "sched_setaffinity": (203, 122),
    "setpriority": (141, 140),
    "ioprio_set": (251, 30),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
    "process_madvise": (440, 440),
    "ioctl": (16, 29),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "unshare": (272, 97),
    "setns": (308, 268),
    "shmget": (29, 194),
    "shmat": (30, 196),
    "shmctl": (31, 195),
    "semget": (64, 190),
    "semop": (65, 193),
    "semtimedop": (220, 192),
    "semctl": (66, 191),
    "msgget": (68, 186),
    "msgsnd": (69, 189),
    "msgrcv": (70, 188),
    "msgctl": (71, 187),
    "mq_open": (240, 180),
    "mq_unlink": (241, 181),
    "prlimit64": (302, 261),
    "seccomp": (317, 277),
    "landlock_create_ruleset": (444, 444),
    "prctl": (157, 167),
}

_LOAD, _AND, _EQUAL, _AT_LEAST, _ANSWER = 0x20, 0x54, 0x15, 0x35, 0x06
_ALLOW, _ERROR = 0x7FFF0000, 0x00050000
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT, _SECOND_ARGUMENT = 0, 4, 16, 24
_KIND, _OF_TERMINALS = 0xFF00, 0x5400
_TYPES_KEYS = (0x5412, 0x541C)
"""What asks a terminal to take keys as if its user had typed them (TIOCSTI, TIOCLINUX)."""
_OTHER_CONVENTION = 0x40000000
_ALL_THREADS = 1
_MODE_FILTER, _SET_SECCOMP = 1, 22


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p)]


def can_withhold() -> bool:
    """Whether the kernel has filters of system calls, for an architecture whose calls are listed here."""
    if sys.platform != "linux" or _machine() is None:
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    # asked for a filter at address 0, a kernel that has filters answers "bad address"
    answer = libc.syscall(ctypes.c_long(_number("seccomp")), ctypes.c_uint(1), ctypes.c_uint(0), None)
    return answer < 0 and ctypes.get_errno() == errno.EFAULT


def withhold(names: Iterable[str], answer: int = errno.EPERM) -> None:
    """Answer every call of these names with an error from now on.

    `prlimit64` only for other processes; `ioctl` but for what asks of terminals, pipes and descriptors, and types no keys.

    Raises OSError when the kernel refuses.
    """
    no_new_privileges()
    instructions = program(names, answer)
    listed = _Program(len(instructions) // 8, instructions)
    libc = ctypes.CDLL(None, use_errno=True)
    result = libc.syscall(ctypes.c_long(_number("seccomp")), ctypes.c_uint(1), ctypes.c_uint(_ALL_THREADS), ctypes.byref(listed))
    if result != 0:  # above 0: a thread that has a filter of its own
        raise OSError(ctypes.get_errno() or errno.EBUSY, "the kernel refused a filter of system calls")


def program(names: Iterable[str], answer: int = errno.EPERM) -> bytes:
    """The filter as the kernel reads it: classic BPF, eight bytes an instruction.

    A call in another convention than this process's own (32 bits) is refused whatever it is.
    """
    refuse = struct.pack("HBBI", _ANSWER, 0, 0, _ERROR | answer)
    parts = [
        struct.pack("HBBI", _LOAD, 0, 0, _ARCHITECTURE),
        struct.pack("HBBI", _EQUAL, 1, 0, _ARCHITECTURES[_machine()]),
        refuse,
        struct.pack("HBBI", _LOAD, 0, 0, _NUMBER),
    ]
    if _machine() == "x86_64":
        parts += [struct.pack("HBBI", _AT_LEAST, 0, 1, _OTHER_CONVENTION), refuse]
    for name in names:
        number = _number(name)
        if number is None:
            continue
        if name == "prlimit64":
            own = struct.pack("HBBI", _LOAD, 0, 0, _FIRST_ARGUMENT) + struct.pack("HBBI", _EQUAL, 1, 0, 0)
            parts += [struct.pack("HBBI", _EQUAL, 0, 4, number), own, refuse, struct.pack("HBBI", _ANSWER, 0, 0, _ALLOW)]
        elif name == "ioctl":
            asked = [struct.pack("HBBI", _LOAD, 0, 0, _SECOND_ARGUMENT)]
            asked += [part for request in _TYPES_KEYS for part in (struct.pack("HBBI", _EQUAL, 0, 1, request), refuse)]
            asked += [struct.pack("HBBI", _AND, 0, 0, _KIND), struct.pack("HBBI", _EQUAL, 1, 0, _OF_TERMINALS), refuse]
            asked += [struct.pack("HBBI", _ANSWER, 0, 0, _ALLOW)]
            parts += [struct.pack("HBBI", _EQUAL, 0, len(asked), number), *asked]
        else:
            parts += [struct.pack("HBBI", _EQUAL, 0, 1, number), refuse]
    return b"".join([*parts, struct.pack("HBBI", _ANSWER, 0, 0, _ALLOW)])


def _machine() -> str | None:
    """This process's architecture, if its calls are listed."""
    found = platform.machine()
    return found if found in _ARCHITECTURES and sys.maxsize > 2**32 else None


def _number(name: str) -> int | None:
    return _NUMBERS[name][list(_ARCHITECTURES).index(_machine())]
