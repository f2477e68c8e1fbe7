# SPDX-License-Identifier: MIT
# Run with sed -E. What differs from build to build or from run to run becomes underscores: where the
# kernel's own things are, stacks, pools, page frames, contents of page tables, slots.
s/(fffff800|fffff880|fffff8a0|fffffaa0|fffff780)`[0-9a-f]{8}/\1`________/g
s/(FFFFF800|FFFFF880|FFFFF8A0|FFFFFAA0)[0-9A-F]{8}/\1________/g
# Who was interrupted, a thread or the idle thread on the boot stack, is the clock's affair.
s/^fffff700`[0-9a-f]{8} (fffff8[08]0`)/fffff880`________ \1/
# Code and stack of the program of ring 3.
s/\b00000000`(0010|0002)[0-9a-f]{4}\b/00000000`\1____/g
s/frame [0-9a-f]+/frame _/g
s/slot [0-9a-f]+/slot _/g
s/^ Offset: [0-9a-f]+/ Offset: _/
s/^ Transition: [0-9a-f]+/ Transition: _/
s/contains [0-9A-F]{16}/contains ________________/g
s/pfn [0-9a-f]+ +/pfn _         /g
s/(nt![A-Za-z_0-9]+)\+0x[0-9a-f]+/\1+0x_/g
s/ \[kernel[^]]*\]//g
# Registers, but for rip, and the flags.
s/\b(r[abcd]x|r[sd]i|r[sb]p| ?r8| ?r9|r1[0-5])=[0-9a-f]{16}/\1=________________/g
s/^(iopl=0 +).*/\1(flags)/
s/efl=[0-9a-f]{8}/efl=________/
# An instruction of the kernel, after its address: bytes, mnemonic, operands.
s/^(fffff800`________) [0-9a-f]+ +[a-z].*/\1 (an instruction)/
s/(fffff800|fffff880|fffff8a0|fffffaa0)[0-9a-f]{8}\b/\1________/g
s/DirBase: [0-9a-f]+/DirBase: ________/
s/(Context Switch Count      |PointerCount: |Interrupt Count -- )[0-9a-f]+/\1_/
s/previous size: +[0-9a-f]+/previous size:    _/
s/Context switches [0-9]+, DPCs [0-9]+ \([0-9]+ queued\)/Context switches _, DPCs _/
s/Page faults [0-9]+: soft [0-9]+, hard [0-9]+, demand zero [0-9]+/Page faults _/
s/ +[0-9]+ \( *[0-9]+ ([Kk]b)\)/ _ (_ \1)/
s/[0-9]+ frame numbers are not RAM/_ frame numbers are not RAM/
s/highest is [0-9a-f]+/highest is _/
s/(at FFFFF[0-9A-F]{3})[0-9A-F]{8}/\1________/g
s/HandleCount: [0-9]+/HandleCount: _/
# How many pages were written by now depends on read-ahead and on the page writer.
s/Free Space: +[0-9]+ Kb/Free Space: _ Kb/
# How many pages there are beside those that a transcript is about.
s/^[0-9]+ pages went out/_ pages went out/
