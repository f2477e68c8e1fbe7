/* SPDX-License-Identifier: MIT */
/*
 * Splay links: binary trees without heights, whose last used node is moved to the root. The root is
 * its own parent. Every routine keeps the order of the nodes; none compares, allocates or recurses.
 */
#include "rtl/tree_links.h"

/* Node's parent takes Other in its place. Node is no root. */
static VOID RtlpReplaceChild(PRTL_SPLAY_LINKS Node, PRTL_SPLAY_LINKS Other)
{
    if (RtlIsLeftChild(Node)) {
        Node->Parent->LeftChild = Other;
    } else {
        Node->Parent->RightChild = Other;
    }
}

VOID RtlpRotateUp(PRTL_SPLAY_LINKS Node)
{
    PRTL_SPLAY_LINKS Parent = Node->Parent, Inner;
    BOOLEAN Left = RtlIsLeftChild(Node);

    if (RtlIsRoot(Parent)) {
        Node->Parent = Node;
    } else {
        RtlpReplaceChild(Parent, Node);
        Node->Parent = Parent->Parent;
    }
    if (Left) {
        Inner = Parent->LeftChild = Node->RightChild;
        Node->RightChild = Parent;
    } else {
        Inner = Parent->RightChild = Node->LeftChild;
        Node->LeftChild = Parent;
    }
    if (Inner != NULL) {
        Inner->Parent = Parent;
    }
    Parent->Parent = Node;
}

PRTL_SPLAY_LINKS RtlSplay(PRTL_SPLAY_LINKS Links)
{
    while (!RtlIsRoot(Links)) {
        PRTL_SPLAY_LINKS Parent = Links->Parent;
        if (!RtlIsRoot(Parent)) {
            RtlpRotateUp(RtlIsLeftChild(Links) == RtlIsLeftChild(Parent) ? Parent : Links);
        }
        RtlpRotateUp(Links);
    }
    return Links;
}

PRTL_SPLAY_LINKS RtlpHeirOfLinks(PRTL_SPLAY_LINKS Node)
{
    return Node->LeftChild == NULL || Node->RightChild == NULL ? Node : RtlSubtreePredecessor(Node);
}

/* RtlpRemoveLinks of a node with one child at most. */
static PRTL_SPLAY_LINKS RtlpUnlink(PRTL_SPLAY_LINKS Node, PRTL_SPLAY_LINKS *Root)
{
    PRTL_SPLAY_LINKS Child = Node->LeftChild != NULL ? Node->LeftChild : Node->RightChild;
    PRTL_SPLAY_LINKS Parent = Node->Parent;

    if (RtlIsRoot(Node)) {
        *Root = Child;
        Parent = Child; /* its own parent, if there is one */
    } else {
        RtlpReplaceChild(Node, Child);
    }
    if (Child != NULL) {
        Child->Parent = Parent;
    }
    return Parent;
}

/* A node with two children leaves its place to the next smaller one, which has one at most. */
PRTL_SPLAY_LINKS RtlpRemoveLinks(PRTL_SPLAY_LINKS Node, PRTL_SPLAY_LINKS *Root)
{
    PRTL_SPLAY_LINKS Heir = RtlpHeirOfLinks(Node);
    PRTL_SPLAY_LINKS Changed = RtlpUnlink(Heir, Root);
    if (Heir == Node) {
        return Changed;
    }
    *Heir = *Node;
    if (RtlIsRoot(Node)) {
        *Root = Heir->Parent = Heir;
    } else {
        RtlpReplaceChild(Node, Heir);
    }
    if (Heir->LeftChild != NULL) {
        Heir->LeftChild->Parent = Heir;
    }
    Heir->RightChild->Parent = Heir;
    return Changed == Node ? Heir : Changed;
}

PRTL_SPLAY_LINKS RtlDelete(PRTL_SPLAY_LINKS Links)
{
    PRTL_SPLAY_LINKS Root;
    PRTL_SPLAY_LINKS Changed = RtlpRemoveLinks(Links, &Root);
    return Changed == NULL ? NULL : RtlSplay(Changed);
}

VOID RtlDeleteNoSplay(PRTL_SPLAY_LINKS Links, PRTL_SPLAY_LINKS *Root)
{
    RtlpRemoveLinks(Links, Root);
}

PRTL_SPLAY_LINKS RtlpSmallestLinks(PRTL_SPLAY_LINKS Node)
{
    while (Node != NULL && Node->LeftChild != NULL) {
        Node = Node->LeftChild;
    }
    return Node;
}

PRTL_SPLAY_LINKS RtlSubtreeSuccessor(PRTL_SPLAY_LINKS Links)
{
    return RtlpSmallestLinks(Links->RightChild);
}

PRTL_SPLAY_LINKS RtlSubtreePredecessor(PRTL_SPLAY_LINKS Links)
{
    PRTL_SPLAY_LINKS Node = Links->LeftChild;
    while (Node != NULL && Node->RightChild != NULL) {
        Node = Node->RightChild;
    }
    return Node;
}

PRTL_SPLAY_LINKS RtlRealSuccessor(PRTL_SPLAY_LINKS Links)
{
    PRTL_SPLAY_LINKS Below = RtlSubtreeSuccessor(Links);
    if (Below != NULL) {
        return Below;
    }
    while (!RtlIsRoot(Links) && RtlIsRightChild(Links)) {
        Links = Links->Parent;
    }
    return RtlIsRoot(Links) ? NULL : Links->Parent;
}

PRTL_SPLAY_LINKS RtlRealPredecessor(PRTL_SPLAY_LINKS Links)
{
    PRTL_SPLAY_LINKS Below = RtlSubtreePredecessor(Links);
    if (Below != NULL) {
        return Below;
    }
    while (!RtlIsRoot(Links) && RtlIsLeftChild(Links)) {
        Links = Links->Parent;
    }
    return RtlIsRoot(Links) ? NULL : Links->Parent;
}
