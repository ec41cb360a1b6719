"""A disk that loses power on command, and servers that run on it.

Standard library only. `Disk` mounts the file system of crates/testkit/src/power_cut.rs at a temporary
folder and passes commands to it. The kernel does not tell file systems of this kind about `syncfs`;
`SyncfsCalls` has each such call of a server stop in the kernel (seccomp) until the disk was told. The
same means make a server that does not sync at all.
"""

from __future__ import annotations

import array
import contextlib
import ctypes
import errno
import fcntl
import json
import os
import platform
import select
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAM = Path(os.environ.get("LAKEHOLD_POWER_CUT", ROOT / "target" / "release" / "examples" / "power_cut"))
BUILD = ("cargo", "build", "--release", "--locked", "--quiet", "-p", "lakehold-testkit",
         "--features", "power-cut", "--example", "power_cut")


class Skipped(Exception):
    """This machine cannot show it."""


class Disk:
    """The file system, mounted. Use as a context manager."""

    def __init__(self, naming: str) -> None:
        if not os.path.exists("/dev/fuse"):
            raise Skipped("there is no /dev/fuse")
        if not PROGRAM.exists():
            raise AssertionError(f"{PROGRAM} is missing. Run: {' '.join(BUILD)}")
        self.naming = naming
        self._lock = threading.Lock()
        self._folder = tempfile.mkdtemp(prefix="lakehold-power-cut-")
        self.mount = Path(self._folder)
        self._errors = tempfile.TemporaryFile()
        self._process = subprocess.Popen([str(PROGRAM), self._folder, naming], text=True, bufsize=1,
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors)
        if not self._process.stdout.readline():
            self._process.wait(10)
            self._errors.seek(0)
            reason = self._errors.read().decode(errors="replace").strip()
            self._clean_up()
            raise Skipped(f"the file system cannot be mounted (are you root, or is fusermount3 there?): {reason}")

    def command(self, *words: object) -> dict:
        with self._lock:
            print(*words, file=self._process.stdin, flush=True)
            line = self._process.stdout.readline()
        answer = json.loads(line or '{"error": "the file system has ended"}')
        if "error" in answer:
            raise AssertionError(f"{' '.join(map(str, words))}: {answer['error']}")
        return answer

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(30)
        self._clean_up()

    def _clean_up(self) -> None:
        if os.path.ismount(self._folder):
            subprocess.run(["umount", "-l", self._folder], check=False)
        with contextlib.suppress(OSError):
            os.rmdir(self._folder)

    def __enter__(self) -> "Disk":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


# System calls and their numbers, and the architecture as the kernel's filters name it.
NUMBERS = {
    "x86_64": (0xC000003E, {"fsync": 74, "fdatasync": 75, "sync": 162, "sync_file_range": 277, "syncfs": 306, "msync": 26}),
    "aarch64": (0xC00000B7, {"fsync": 82, "fdatasync": 83, "sync": 81, "sync_file_range": 84, "syncfs": 267, "msync": 227}),
}
SYNCS = ("fsync", "fdatasync", "sync", "sync_file_range", "syncfs", "msync")
PR_SET_NO_NEW_PRIVS = 38
SECCOMP = {"x86_64": 317, "aarch64": 277}
SET_MODE_FILTER, NEW_LISTENER = 1, 8
ALLOW, ERRNO, USER_NOTIF = 0x7FFF0000, 0x00050000, 0x7FC00000
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06  # of a 32-bit word, jump if equal, return
NOTIFICATION, RESPONSE = struct.Struct("=QIIiIQ6Q"), struct.Struct("=QqiI")
RECEIVE, SEND = 0xC0502100, 0xC0182101


class SyncfsCalls:
    """Tells a disk about the `syncfs` calls of servers. Use as a context manager around their lives:
    at its end they must have ended."""

    def __init__(self, disk: Disk) -> None:
        if platform.machine() not in NUMBERS:
            raise Skipped(f"the system calls of {platform.machine()} are not known here")
        self._disk, self._threads = disk, []
        self._folder = tempfile.TemporaryDirectory(prefix="lakehold-calls-")
        self._path = os.path.join(self._folder.name, "socket")
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(self._path)
        self._listener.listen()

    @property
    def prefix(self) -> list[str]:
        """The words to put before a server's command."""
        return [sys.executable, __file__, "report-syncfs", self._path]

    def __enter__(self) -> "SyncfsCalls":
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(60)
            if thread.is_alive():
                raise AssertionError("a server still makes system calls")
        self._listener.close()
        self._folder.cleanup()

    def _start(self, act, *arguments: object) -> None:
        thread = threading.Thread(target=act, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                _, descriptors, _, _ = socket.recv_fds(connection, 1, 1)
            for descriptor in descriptors:  # none: it was killed before it came that far
                self._start(self._answer, descriptor)

    def _answer(self, descriptor: int) -> None:
        """Answers each call that stopped, until the process has ended."""
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        try:
            while not poll.poll()[0][1] & (select.POLLHUP | select.POLLERR):
                notification = bytearray(NOTIFICATION.size)
                try:
                    fcntl.ioctl(descriptor, RECEIVE, notification)
                    self._disk.command("syncfs")
                    identity = NOTIFICATION.unpack(notification)[0]
                    fcntl.ioctl(descriptor, SEND, bytearray(RESPONSE.pack(identity, 0, 0, 0)))
                except OSError as error:
                    if error.errno not in (errno.ENOENT, errno.EINTR):  # not killed meanwhile
                        raise
        finally:
            os.close(descriptor)


def without_syncs() -> list[str]:
    """The words to put before a server's command, so that no sync of it ever happens."""
    return [sys.executable, __file__, "ignore-syncs", "-"]


def _install(calls: tuple[str, ...], action: int, flags: int) -> int:
    """Has the kernel do `action` where this process, or what it becomes, makes one of `calls`."""
    architecture, numbers = NUMBERS[platform.machine()]
    wanted = [numbers[call] for call in calls]
    program = [(LOAD, 0, 0, 4), (EQUAL, 1, 0, architecture), (RETURN, 0, 0, ALLOW), (LOAD, 0, 0, 0)]
    program += [(EQUAL, len(wanted) - at, 0, number) for at, number in enumerate(wanted)]
    program += [(RETURN, 0, 0, ALLOW), (RETURN, 0, 0, action)]
    filters = array.array("B", b"".join(struct.pack("=HBBI", *line) for line in program))
    address, _ = filters.buffer_info()
    header = ctypes.create_string_buffer(struct.pack("@HP", len(program), address))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "no_new_privs")
    result = libc.syscall(SECCOMP[platform.machine()], SET_MODE_FILTER, flags, header)
    if result < 0:
        raise OSError(ctypes.get_errno(), "seccomp: the kernel or a container does not allow it")
    return result


def main() -> None:
    """Becomes the server that the rest of the command line names, its system calls seen to."""
    what, path, *command = sys.argv[1:]
    if what == "ignore-syncs":
        _install(SYNCS, ERRNO, 0)  # with the error number 0, which is success
    else:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.connect(path)
            listener = _install(("syncfs",), USER_NOTIF, NEW_LISTENER)
            socket.send_fds(connection, [b"x"], [listener])
    os.execv(command[0], command)


if __name__ == "__main__":
    main()
