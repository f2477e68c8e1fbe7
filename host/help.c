/* SPDX-License-Identifier: MIT */
#include "host/help.h"

#include <string.h>

#include "host/check/check.h"
#include "host/completion.h"
#include "host/exports/exports.h"
#include "host/inspect/inspect.h"
#include "host/run/advise.h"
#include "host/text/explain.h"

const char HelpMain[] =
    "pageable runs a Windows x64 driver in ring 0 of a small NT-compatible kernel in QEMU, takes\n"
    "its pageable sections out of memory, and says which line touched them where it must not.\n"
    "\n"
    "usage: pageable run DRIVER.sys [options]   load it, page it out, use it, unload it\n"
    "       pageable check DRIVER.sys...        many runs, for CI: modes, memory sizes, seeds\n"
    "       pageable report SHARD.jsonl...      joins the results of several checks\n"
    "       pageable debug DRIVER.sys [...]     the same under the kernel debugger\n"
    "       pageable kd SOCKET                  attaches the debugger to a `run --kd=SOCKET`\n"
    "       pageable advise DRIVER.sys [...]    runs it, and says what could be pageable\n"
    "       pageable explain CODE               what a bug check means, and what to do about it\n"
    "       pageable exports [PATTERN]          what the kernel exports, and what drivers lack\n"
    "       pageable inspect DRIVER.sys...      what there is to know of it without running it\n"
    "       pageable completion SHELL           what bash, zsh or fish needs to complete commands\n"
    "       pageable help COMMAND               more about one of these\n"
    "       pageable --version\n"
    "\n"
    "Try: pageable run DRIVER.sys\n";

const char HelpRun[] =
    "usage: pageable run DRIVER.sys [options]\n"
    "\n"
    "Loads the driver into ring 0, uses it, takes its pageable sections out of memory to a paging\n"
    "file, uses it again and unloads it. NT's bug checks enforce the IRQL law; the report says\n"
    "which routine and which line touched paged-out memory where no page fault can be served.\n"
    "What the machine has less of after the unload than before the load is a leak.\n"
    "\n"
    "  --scenario=FILE.lua    what to do with the driver; without it: open and close each device\n"
    "                         it named, page everything out, open and close again, unload\n"
    "  --file=C:\\PATH=FILE     a file on the guest's drive C: before the driver is loaded; may\n"
    "                         be given again\n"
    "  --page-out=MODE        when pageable memory leaves:\n"
    "                           never          only when no memory is left, and not on\n"
    "                                          purpose either\n"
    "                           pressure       when memory is short, as in Windows\n"
    "                           at-raise       each time IRQL goes to DISPATCH_LEVEL or above\n"
    "                                          (default)\n"
    "                           always         also at each kernel call of the driver\n"
    "                           random[:SEED]  as always, each time with a chance of one half\n"
    "  --evict                what leaves goes to the paging file and its memory is freed\n"
    "  --no-verify            without the checks of each kernel call's IRQL and arguments\n"
    "  --memory=48M           memory of the machine, 16M to 64G\n"
    "  --paging-file=512M     size of the paging file; 0: none\n"
    "  --registry=FILE.reg    what the registry holds before the driver is loaded\n"
    "  --disk-fault=KIND      the paging disk fails: read[:N], write[:N] (after N good requests),\n"
    "                         flip (one bit in each page that was paged out), or is\n"
    "                         slow[:N] (N requests a second; 200)\n"
    "  --timeout=60           seconds until the run is ended\n"
    "  --dpc-watchdog=10      seconds at DISPATCH_LEVEL or above until bug check 0x133; 0: never\n"
    "  --seed=1               fixes all that is random, in the kernel and in the scenario\n"
    "  --machine=microvm|pci  pci has a PCI bus with QEMU's edu device on it; microvm\n"
    "  --source-map=FROM=TO   source files below the directory FROM of the PDB are shown as below\n"
    "                         TO, as where the driver was built elsewhere; may be given again\n"
    "  --history=20           calls, faults and changes of IRQL before a bug check that its\n"
    "                         report shows, at most 1000\n"
    "  --kd=SOCKET            a kernel debugger may connect to this UNIX socket, leave and come\n"
    "                         back; the time limit stands still while one is connected\n"
    "  --nt-version=VERSION   what a debugger is told: 5.1, 5.2, 6.0 or 10.0\n"
    "  --html=FILE            a page to look at: the finding, the image page by page through\n"
    "                         time, a timeline, bytes of each section\n"
    "  --trace=FILE           the timeline for Perfetto's viewer: trace-event JSON\n"
    "  --budget=LIMIT         KIND[:SECTION]=SIZE: a finding when more bytes of the image than\n"
    "                         SIZE are nonpaged, pageable, locked or resident at one moment\n"
    "  --timeline             records the timeline, as --html, --trace and --budget do\n"
    "  --timeline-json=FILE   the timeline for programs, as the HTML report has it\n"
    "  --timeline-unless-clean  of a clean run none of these files is written\n"
    "  --dump=FILE            at a bug check, a Windows crash dump of the machine's memory;\n"
    "                         `pageable kd --dump FILE` opens it\n"
    "  --gdb=PORT|SOCKET      the machine waits for gdb, without a time limit, at a port of\n"
    "                         127.0.0.1 or at a UNIX socket (a path with a slash)\n"
    "  --accel=tcg|kvm|auto   auto: kvm where the processor really has it; tcg\n"
    "  --json=FILE            events as JSON Lines; - for the standard output\n"
    "  -v, --verbose          more lines: each open, images, sections after page-out, guest log\n"
    "\n"
    "Exit codes: 0 clean, 1 finding (bug check, failed assertion, leak), 2 wrong usage, 3 driver\n"
    "not loadable, 4 time limit, 5 a fault of the machine or the environment; 128 + n: signal n.\n"
    "\n"
    "Environment: PAGEABLE_QEMU and PAGEABLE_SYMBOLIZER name other programs, PAGEABLE_LIBDIR the\n"
    "directory of boot.elf and ntoskrnl.exe, TMPDIR where the paging file lies, NO_COLOR.\n"
    "\n"
    "Try: pageable run DRIVER.sys --page-out=always --seed=7\n";

#define HELP_DEBUGGER \
    "  -c COMMANDS            runs them first, separated by ';'; may be given again\n" \
    "  --command-file=FILE    then the lines of a file; the terminal comes after both\n" \
    "  --symbols=DIRECTORIES  where images and PDBs are looked for as well, separated by ;\n" \
    "                         (then in those of $_NT_SYMBOL_PATH)\n" \
    "  --attach-timeout=N     seconds until the target must have stopped\n" \
    "\n" \
    "The commands are WinDbg's; .help lists them. Ctrl-C breaks in.\n" \
    "\n"

const char HelpKd[] =
    "usage: pageable kd SOCKET [options]        a machine of `pageable run --kd=SOCKET`\n"
    "       pageable kd --dump FILE [options]   a crash dump\n"
    "\n"
    "  --dump=FILE            opens a crash dump in place of a machine\n"
    HELP_DEBUGGER
    "q leaves the machine running; its breakpoints are taken out.\n"
    "\n"
    "Exit codes: 0 all commands succeeded, 1 one failed, 2 wrong usage, 3 no dump, 5 the target\n"
    "does not answer or is gone.\n"
    "\n"
    "Try: pageable kd /tmp/kd -c 'k; lm; q'\n";

const char HelpDebug[] =
    "usage: pageable debug DRIVER.sys [options]\n"
    "\n"
    "Starts the machine as `pageable run` does, with that command's options, and stops when the\n"
    "driver's image is mapped, before its DriverEntry. The run's own report follows when the\n"
    "machine has ended. q ends the machine; qd lets it run to its end without the debugger.\n"
    "\n"
    HELP_DEBUGGER
    "Exit codes: 0 all commands succeeded, 1 one failed, 2 wrong usage, 3 driver not loadable,\n"
    "5 a fault of the machine or the environment; after qd those of `pageable run`.\n"
    "\n"
    "Try: pageable debug DRIVER.sys -c 'bp nt!IoCreateDevice; g; k'\n";

const char HelpGdbSymbols[] =
    "usage: pageable gdb-symbols IMAGE.sys -o FILE.elf\n"
    "\n"
    "Writes what the PDB beside a driver or kernel image says (names, lines, how to unwind the\n"
    "stack) as an ELF file for gdb's add-symbol-file. pageable-gdb.py does that by itself:\n"
    "\n"
    "  pageable run DRIVER.sys --gdb=1234\n"
    "  gdb -x pageable-gdb.py -ex 'pageable-attach 1234 DRIVER.sys' -ex 'break DriverEntry'\n"
    "\n"
    "Exit codes: 0 written, 2 wrong usage, 5 the image or its PDB cannot be read.\n";

const HELP_TOPIC HelpTopics[] = {
    {"run", "run a driver, page it out, unload it", HelpRun},
    {"check", "run many drivers in many ways, for CI", HelpCheck},
    {"report", "join the results of several checks", HelpReport},
    {"debug", "run a driver under the kernel debugger", HelpDebug},
    {"kd", "attach the kernel debugger, or open a crash dump", HelpKd},
    {"advise", "what a driver could do better with its pageable sections", HelpAdvise},
    {"explain", "what a bug check means", HelpExplain},
    {"exports", "what the kernel exports, and what drivers lack", HelpExports},
    {"inspect", "what there is to know of a driver without running it", HelpInspect},
    {"gdb-symbols", "symbols of a driver or kernel image for gdb", HelpGdbSymbols},
    {"completion", "a script that completes commands in a shell", HelpCompletion},
    {NULL, NULL, NULL},
};

const HELP_TOPIC *HelpTopic(const char *Command)
{
    for (const HELP_TOPIC *Topic = HelpTopics; Topic->Command != NULL; Topic++) {
        if (strcmp(Topic->Command, Command) == 0) {
            return Topic;
        }
    }
    return NULL;
}
