"""Which process is at the other end of a loopback connection (Linux): how a Runtime API knows its own worker."""

import os
import sys


def belongs_to(process: int, client: int, server: int) -> bool:
    """Whether the loopback connection from port `client` to port `server` is open in `process`.

    True where the system does not say (no /proc, or one that hides): other walls have to do there, and `up` warns of those that
    lack.
    """
    if not sys.platform.startswith("linux"):
        return True
    inode = _inode(client, server)
    return inode is not None and _is_open(process, f"socket:[{inode}]")


def _inode(client: int, server: int) -> str | None:
    """The client's socket, out of the kernel's table: `sl local remote st queues timer retransmits uid timeout inode`."""
    local, remote = f"0100007F:{client:04X}", f"0100007F:{server:04X}"
    with open("/proc/net/tcp") as table:
        for line in table:
            fields = line.split(None, 10)
            if fields[1] == local and fields[2] == remote:
                return fields[9]
    return None


def _is_open(process: int, link: str) -> bool:
    folder = f"/proc/{process}/fd"
    try:
        return any(_target(f"{folder}/{name}") == link for name in os.listdir(folder))
    except FileNotFoundError:
        return False
    except PermissionError:
        return True


def _target(path: str) -> str:
    try:
        return os.readlink(path)
    except FileNotFoundError:
        return ""  # closed meanwhile
