"""What a worker process gives up before it runs a function's code: the host's files, users, signals and network.

Runs in the worker, between the fork and the function. Four walls, each as far as the system has it:

1. a mount namespace whose root holds only libraries (read only), the code at /var/task and a bounded /tmp;
2. a user id of its own, where the server is root, so that no file or process of the host is its own;
3. Landlock: no other file, no TCP port but the endpoint's and its own Runtime API's, no signal to anybody else;
4. resource limits, no new privileges, death with its parent.
"""

import ctypes
import os
import resource
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass

from stratus.services.lambda_ import landlock

TASK_ROOT = "/var/task"
TMP = "/tmp"  # noqa: S108 - the function's own, mounted for it alone
_CLONE_NEWNS, _CLONE_NEWIPC, _CLONE_NEWUSER = 0x00020000, 0x08000000, 0x10000000
_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_NOEXEC = 1, 2, 4, 8
_MS_REMOUNT, _MS_BIND, _MS_REC, _MS_PRIVATE = 32, 4096, 16384, 1 << 18
_MNT_DETACH = 2
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER, _PR_SET_NO_NEW_PRIVS = 1, 36, 38
_M_ARENA_MAX = -8
_CAPABILITY_VERSION_3 = 0x20080522
# statvfs tells of mount flags in its own bits; the two that differ from mount(2)'s
_ST_RELATIME, _MS_RELATIME = 4096, 1 << 21
_ST_KEPT = _MS_NOSUID | _MS_NODEV | _MS_NOEXEC | 1024 | 2048

_FIRST_USER = 1_879_048_192  # far above what distributions, containers and directories hand out
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/nix/store", "/opt/homebrew")
SETTINGS = (
    "/etc/hosts",
    "/etc/resolv.conf",
    "/etc/nsswitch.conf",
    "/etc/ssl/certs",
    "/etc/ssl/cert.pem",
    "/etc/ssl/openssl.cnf",
    "/etc/pki/tls/certs",
    "/etc/pki/ca-trust",
    "/etc/localtime",
    "/etc/ld.so.cache",
    "/etc/mime.types",
)
DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")


@dataclass(frozen=True, slots=True)
class Abilities:
    """What this system lets the server put around a function."""

    mounts: bool
    own_user: bool
    landlock: int

    def warnings(self) -> list[str]:
        """What is missing, in sentences for `up` to print."""
        missing = []
        if not self.mounts:
            missing.append(
                "no mount namespaces here: functions share the host's /tmp by name, and run their code where it lies"
            )
        if not self.landlock and not self.mounts:
            missing.append("no Landlock here: functions can read every file that the server's user can")
        if self.landlock < 4:
            missing.append("no Landlock for TCP here: functions can connect to any port")
        if self.landlock < 6 and not self.own_user:
            missing.append("no Landlock for signals here: functions can signal the server's other processes")
        return missing


@dataclass(frozen=True, slots=True)
class Confinement:
    """One worker's walls. Paths are the host's; sizes are bytes."""

    code: str
    scratch: str
    """An empty directory: the new root is mounted on it, or, without mount namespaces, it is the function's /tmp."""
    libraries: tuple[str, ...]
    ports: tuple[int, ...]
    memory: int
    tmp: int


def user_of(pid: int) -> int:
    """The user id that the worker `pid` has to itself while it lives."""
    return _FIRST_USER + pid


def probe(scratch: str) -> Abilities:
    """Tries the walls out in a child process, because some cannot be undone."""
    root = os.geteuid() == 0
    mounts = sys.platform.startswith("linux") and _succeeds(lambda: _try_mounts(scratch))
    return Abilities(mounts=mounts, own_user=root and mounts, landlock=landlock.abi())


def enter(abilities: Abilities, confinement: Confinement) -> str:
    """Puts the walls around this process. Returns the directory of the code as the function will see it."""
    libc = ctypes.CDLL(None, use_errno=True)
    os.umask(0o022)
    libraries_size = _address_space()
    code, readable, writable = confinement.code, [*SYSTEM, *SETTINGS, *confinement.libraries], [*DEVICES]
    if abilities.mounts:
        _new_namespaces(libc)
        _mount_root(libc, confinement)
        code, readable, writable = TASK_ROOT, ["/"], [*DEVICES, TMP]
    else:
        readable.append(code)
        writable.append(confinement.scratch)
        os.environ["TMPDIR"] = confinement.scratch
    if abilities.own_user:
        user = user_of(os.getpid())
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    if sys.platform.startswith("linux"):
        _drop_capabilities(libc)
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if abilities.landlock:
        landlock.restrict(abilities.landlock, readable, writable, confinement.ports)
    os.chdir(code)
    _limit(libc, confinement, own_user=abilities.own_user, libraries_size=libraries_size)
    return code


def die_with_parent() -> None:
    """The kernel kills this process when its parent dies; asked for last, because a change of user undoes it."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def adopt_orphans() -> None:
    """Processes that a worker leaves behind become this process's children."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _limit(libc: ctypes.CDLL, confinement: Confinement, *, own_user: bool, libraries_size: int) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))  # AWS's own number
    resource.setrlimit(resource.RLIMIT_FSIZE, (confinement.tmp, confinement.tmp))
    if own_user:
        resource.setrlimit(resource.RLIMIT_NPROC, (1024, 1024))  # AWS's own number
    if libraries_size:
        libc.mallopt(_M_ARENA_MAX, 2)  # glibc reserves 64 MB of addresses for each arena
        bound = libraries_size + confinement.memory
        resource.setrlimit(resource.RLIMIT_AS, (bound, bound))


def _address_space() -> int:
    """Bytes of addresses in use, nearly all of them the libraries that every worker shares; 0 where the system does not say."""
    try:
        with open("/proc/self/statm") as size:
            return int(size.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except FileNotFoundError:
        return 0


def _new_namespaces(libc: ctypes.CDLL) -> None:
    user, group = os.geteuid(), os.getegid()
    flags = _CLONE_NEWNS | _CLONE_NEWIPC
    _checked(libc.unshare(flags if user == 0 else flags | _CLONE_NEWUSER), "unshare")
    if user != 0:
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{user} {user} 1")
        _write("/proc/self/gid_map", f"{group} {group} 1")
    _mount(libc, "none", "/", _MS_REC | _MS_PRIVATE)


def _mount_root(libc: ctypes.CDLL, confinement: Confinement) -> None:
    root = confinement.scratch
    _mount(libc, "tmpfs", root, _MS_NOSUID | _MS_NODEV, "tmpfs", "size=1m,mode=755")
    scratch = root + TMP  # before the libraries, which may lie below it
    os.mkdir(scratch)
    _mount(libc, "tmpfs", scratch, _MS_NOSUID | _MS_NODEV, "tmpfs", f"size={confinement.tmp},mode=1777")
    for path in (*SYSTEM, *SETTINGS, *confinement.libraries):
        _show(libc, path, root + path, _MS_RDONLY | _MS_NOSUID | _MS_NODEV)
    for path in DEVICES:
        _show(libc, path, root + path, _MS_NOSUID | _MS_NOEXEC)
    _show(libc, confinement.code, root + TASK_ROOT, _MS_RDONLY | _MS_NOSUID | _MS_NODEV)
    os.chdir(root)
    _checked(libc.pivot_root(b".", b"."), "pivot_root")
    _checked(libc.umount2(b".", _MNT_DETACH), "umount")
    _mount(libc, "none", "/", _MS_REMOUNT | _MS_BIND | _MS_RDONLY | _MS_NOSUID | _MS_NODEV)
    os.chdir("/")


def _show(libc: ctypes.CDLL, source: str, target: str, flags: int) -> None:
    """Makes the host's `source` visible at `target`, if it is there; a link (/lib on a merged /usr) stays a link."""
    if not os.path.lexists(source) or os.path.lexists(target):
        return
    os.makedirs(os.path.dirname(target), mode=0o755, exist_ok=True)
    if os.path.islink(source) and source in SYSTEM:
        os.symlink(os.readlink(source), target)
        return
    if os.path.isdir(source):
        os.mkdir(target, 0o755)
    else:
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o644))
    _mount(libc, source, target, _MS_BIND)
    locked = os.statvfs(target).f_flag
    kept = locked & _ST_KEPT | (_MS_RELATIME if locked & _ST_RELATIME else 0)
    _mount(libc, "none", target, _MS_REMOUNT | _MS_BIND | kept | flags)


def _drop_capabilities(libc: ctypes.CDLL) -> None:
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    none = (ctypes.c_uint32 * 6)()
    _checked(libc.capset(header, none), "capset")


def _try_mounts(scratch: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    _new_namespaces(libc)
    _mount_root(libc, Confinement(code="/usr", scratch=scratch, libraries=(), ports=(), memory=0, tmp=1 << 20))


def _succeeds(attempt: Callable[[], None]) -> bool:
    """Whether `attempt` works, tried in a child process that ends there."""
    child = os.fork()
    if child == 0:
        try:
            attempt()
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


def _mount(libc: ctypes.CDLL, source: str, target: str, flags: int, kind: str = "none", options: str = "") -> None:
    done = libc.mount(
        os.fsencode(source), os.fsencode(target), kind.encode(), ctypes.c_ulong(flags), options.encode() or None
    )
    _checked(done, f"mount {target}")


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)


def _checked(result: int, what: str) -> None:
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")
