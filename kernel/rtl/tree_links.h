/* SPDX-License-Identifier: MIT */
/*
 * What splay trees and balanced trees share. RTL_BALANCED_LINKS begins as RTL_SPLAY_LINKS does; an
 * AVL table's nodes are used as splay links here, with BalancedRoot as the root of all.
 */
#pragma once

#include "nt/rtl_table.h"
#include "rtl/rtlp.h"

/* Node, which is no root, and its parent change places. */
VOID RtlpRotateUp(PRTL_SPLAY_LINKS Node);
/* The node whose place becomes empty when Node is removed: Node, or the one that replaces it. */
PRTL_SPLAY_LINKS RtlpHeirOfLinks(PRTL_SPLAY_LINKS Node);
/*
 * Takes Node out; *Root changes when it was the root. The node below which the tree has changed, or
 * the new root, which is NULL when Node was the last one.
 */
PRTL_SPLAY_LINKS RtlpRemoveLinks(PRTL_SPLAY_LINKS Node, PRTL_SPLAY_LINKS *Root);
/* Of the tree below Node, which may be NULL. */
PRTL_SPLAY_LINKS RtlpSmallestLinks(PRTL_SPLAY_LINKS Node);
