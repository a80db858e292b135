"""Landlock: a process gives up, for itself and its children, every file, TCP port and signal target that it did not name.

Source: https://docs.kernel.org/userspace-api/landlock.html. Only Linux has it; `abi()` answers 0 elsewhere.
"""

import ctypes
import os
import struct
import sys
from collections.abc import Iterable

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same numbers on every architecture
_PR_SET_NO_NEW_PRIVS = 38
_QUERY_VERSION = 1
_RULE_PATH_BENEATH, _RULE_NET_PORT = 1, 2

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_TRUNCATE, _IOCTL_DEV, _REFER = 1 << 14, 1 << 15, 1 << 13
READ = EXECUTE | READ_FILE | READ_DIR
# no devices are made, not even in a function's own /tmp: MAKE_CHAR is 1 << 6, MAKE_BLOCK 1 << 11
_MAKE_DEVICES = 1 << 6 | 1 << 11
CONNECT_TCP = 1 << 1
_BIND_TCP = 1 << 0
_SCOPES = 1 << 0 | 1 << 1  # abstract UNIX sockets, signals

_ON_FILES = EXECUTE | WRITE_FILE | READ_FILE | _TRUNCATE | _IOCTL_DEV


def abi() -> int:
    """The version of Landlock that this kernel offers; 0 where there is none. 4 knows TCP ports, 6 signals."""
    if not sys.platform.startswith("linux"):
        return 0
    version: int = _libc().syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_QUERY_VERSION))
    return max(version, 0)


def _file_rights(version: int) -> int:
    rights = (1 << 13) - 1
    if version >= 2:
        rights |= _REFER
    if version >= 3:
        rights |= _TRUNCATE
    if version >= 5:
        rights |= _IOCTL_DEV
    return rights


def restrict(version: int, readable: Iterable[str], writable: Iterable[str], ports: Iterable[int]) -> None:
    """Confines this process for ever.

    It may read and run what lies beneath `readable`, do anything but make devices beneath `writable`, connect to TCP
    `ports` and signal only its own kind, as far as `version` (of `abi()`, at least 1) can hold it to that. Raises OSError.
    """
    libc = _libc()
    rights = _file_rights(version)
    attributes = struct.pack("=Q", rights)
    if version >= 4:
        attributes += struct.pack("=Q", _BIND_TCP | CONNECT_TCP)
    if version >= 6:
        attributes += struct.pack("=Q", _SCOPES)
    ruleset = _checked(
        libc.syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint32(0)), "create"
    )
    for path in readable:
        _allow_path(libc, ruleset, path, READ & rights)
    for path in writable:
        _allow_path(libc, ruleset, path, rights & ~_MAKE_DEVICES)
    if version >= 4:
        for port in ports:
            rule = struct.pack("=QQ", CONNECT_TCP, port)
            _checked(libc.syscall(_ADD_RULE, ruleset, _RULE_NET_PORT, rule, ctypes.c_uint32(0)), f"port {port}")
    _checked(libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    _checked(libc.syscall(_RESTRICT_SELF, ruleset, ctypes.c_uint32(0)), "restrict")
    os.close(ruleset)


def _allow_path(libc: ctypes.CDLL, ruleset: int, path: str, rights: int) -> None:
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    if not os.path.isdir(path):
        rights &= _ON_FILES
    rule = struct.pack("=Qi", rights, opened)
    _checked(libc.syscall(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, rule, ctypes.c_uint32(0)), path)
    os.close(opened)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> int:
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"landlock {what}: {os.strerror(error)}")
    return result
