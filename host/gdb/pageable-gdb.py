# SPDX-License-Identifier: MIT
# For gdb: symbols of Pageable's kernel and of the drivers that it loads.
#
#   gdb -x pageable-gdb.py -ex 'pageable-attach PORT DRIVER.sys ...'
#
# PORT is that of `pageable run --gdb=PORT`, or a socket's path. The machine waits for gdb at its
# very start: set breakpoints in the kernel or, by name, in drivers that come later, then continue.
import os
import shutil
import subprocess
import tempfile

import gdb

KERNEL_BASE = 0xFFFFF80000000000
HERE = os.path.dirname(os.path.abspath(os.path.expanduser(__file__)))
UNLOAD_AT = 0x28  # fifth argument of KdReportImage, from rsp at its entry


def beside(*names):
    """The first of these files, in the build directory or where `make install` put them."""
    for name in names:
        path = os.path.join(HERE, name)
        if os.path.exists(path):
            return path
    raise gdb.GdbError("%s is not beside %s" % (names[0], HERE))


class Symbols:
    """Which images there are files of, and which of them gdb has been given."""

    def __init__(self):
        self.files = {}
        self.directory = None

    def know(self, path):
        self.files[os.path.basename(path).lower()] = path

    def add(self, path, base):
        if self.directory is None:
            self.directory = tempfile.mkdtemp(prefix="pageable-gdb-")
            gdb.events.gdb_exiting.connect(self.remove)
        elf = os.path.join(self.directory, "%s-%x.elf" % (os.path.basename(path), base))
        program = os.environ.get("PAGEABLE") or beside("pageable", "../../bin/pageable")
        made = subprocess.run([program, "gdb-symbols", path, "-o", elf], stdin=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True)
        if made.returncode != 0:
            gdb.write(made.stderr)
            return
        gdb.execute("add-symbol-file %s -o 0x%x" % (elf, base), to_string=True)
        gdb.write("symbols of %s at 0x%x\n" % (os.path.basename(path), base))

    def loaded(self, name, base):
        path = self.files.get(name.lower())
        if path is not None:
            self.add(path, base)

    def remove(self, event):
        shutil.rmtree(self.directory, ignore_errors=True)


symbols = Symbols()


def read(address, size):
    return int.from_bytes(bytes(gdb.selected_inferior().read_memory(address, size)), "little")


def register(name):
    return int(gdb.parse_and_eval("(unsigned long)$" + name))


def counted_string(address):
    """Of a UNICODE_STRING."""
    size = read(address, 2)
    text = bytes(gdb.selected_inferior().read_memory(read(address + 8, 8), size))
    return text.decode("utf-16-le", "replace")


class ImageReported(gdb.Breakpoint):
    """Each image that comes passes KdReportImage; the machine does not stop for it."""

    def __init__(self):
        super().__init__("*KdReportImage", internal=True)
        self.silent = True

    def stop(self):
        if read(register("rsp") + UNLOAD_AT, 1) & 0xFF == 0:
            name = counted_string(register("rcx")).rsplit("\\", 1)[-1]
            symbols.loaded(name, register("rdx"))
        return False


class Attach(gdb.Command):
    """pageable-attach PORT-OR-SOCKET [IMAGE.sys ...]
Connect to a machine of `pageable run --gdb=...` and load symbols: the kernel's now, those of each
IMAGE when it is loaded."""

    def __init__(self):
        super().__init__("pageable-attach", gdb.COMMAND_RUNNING, gdb.COMPLETE_FILENAME)

    def invoke(self, argument, from_tty):
        words = gdb.string_to_argv(argument)
        if not words:
            raise gdb.GdbError("pageable-attach: which port or socket?")
        for path in words[1:]:
            if not os.path.exists(path):
                raise gdb.GdbError("%s: no such file" % path)
            symbols.know(os.path.abspath(path))
        gdb.execute("set breakpoint pending on")
        gdb.execute("set confirm off")
        gdb.execute("set architecture i386:x86-64", to_string=True)
        place = words[0] if "/" in words[0] else "127.0.0.1:" + words[0]
        gdb.execute("target remote " + place, to_string=True)
        symbols.add(beside("ntoskrnl.exe"), KERNEL_BASE)
        ImageReported()


Attach()
