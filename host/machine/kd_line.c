/* SPDX-License-Identifier: MIT */
#include "host/machine/kd_line.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "host/text/text.h"

static bool KdLineIsStale(const struct sockaddr_un *Address)
{
    struct stat Status;
    if (lstat(Address->sun_path, &Status) != 0 || !S_ISSOCK(Status.st_mode)) {
        return false;
    }
    int Probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool Stale = Probe >= 0 &&
                 connect(Probe, (const struct sockaddr *)Address, sizeof(*Address)) != 0 &&
                 errno == ECONNREFUSED;
    if (Probe >= 0) {
        close(Probe);
    }
    return Stale;
}

static bool KdLineBind(int Listener, const struct sockaddr_un *Address)
{
    mode_t Mask = umask(077);
    bool Bound = bind(Listener, (const struct sockaddr *)Address, sizeof(*Address)) == 0;
    int Code = errno;
    umask(Mask);
    errno = Code;
    return Bound;
}

bool KdLineOpen(KD_LINE *Line, const char *Path, char *Error, size_t ErrorSize)
{
    struct sockaddr_un Address = {.sun_family = AF_UNIX};
    char Clean[256];

    TextCleanString(Clean, sizeof(Clean), Path);
    memset(Line, 0, sizeof(*Line));
    Line->Listener = Line->Client = Line->Machine = Line->Stop = -1;
    if (strlen(Path) >= sizeof(Address.sun_path)) {
        snprintf(Error, ErrorSize, "--kd=%s: a socket's path has at most %zu bytes", Clean,
                 sizeof(Address.sun_path) - 1);
        return false;
    }
    strcpy(Address.sun_path, Path);
    Line->Listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool Bound = Line->Listener >= 0 && KdLineBind(Line->Listener, &Address);
    if (!Bound && errno == EADDRINUSE && KdLineIsStale(&Address)) {
        unlink(Path);
        Bound = KdLineBind(Line->Listener, &Address);
    }
    if (Bound) {
        strcpy(Line->Path, Path);
        if (listen(Line->Listener, 4) == 0) {
            return true;
        }
    }
    snprintf(Error, ErrorSize, "--kd=%s: %s", Clean, strerror(errno));
    KdLineClose(Line);
    return false;
}

void KdLineAdopt(KD_LINE *Line, int Client)
{
    memset(Line, 0, sizeof(*Line));
    Line->Listener = Line->Machine = Line->Stop = -1;
    Line->Client = Client;
    Line->AttachedSince = TextNow();
    fcntl(Client, F_SETFL, fcntl(Client, F_GETFL) | O_NONBLOCK);
}

static void KdLineDropClient(KD_LINE *Line)
{
    if (Line->Client >= 0) {
        Line->AttachedTime += TextNow() - Line->AttachedSince;
        Line->AttachedSince = 0;
        close(Line->Client);
        Line->Client = -1;
    }
    Line->ToClient.Start = Line->ToClient.End = 0;
}


static bool KdLineHas(const KD_LINE_FLOW *Flow)
{
    return Flow->Start != Flow->End;
}

/* Reads when the flow is empty. False: the other end is gone. */
static bool KdLineRead(int Descriptor, KD_LINE_FLOW *Flow)
{
    if (Descriptor < 0 || KdLineHas(Flow)) {
        return true;
    }
    ssize_t Got = read(Descriptor, Flow->Bytes, sizeof(Flow->Bytes));
    if (Got > 0) {
        Flow->Start = 0;
        Flow->End = (size_t)Got;
    }
    return Got > 0 || (Got < 0 && (errno == EAGAIN || errno == EINTR));
}

/* The debugger has closed its end, though what it sent may not have been read yet. */
static bool KdLineHasLeft(const KD_LINE *Line)
{
    struct pollfd Poll = {Line->Client, 0, 0};
    return Line->Client >= 0 && poll(&Poll, 1, 0) == 1 && (Poll.revents & (POLLHUP | POLLERR));
}

/* One at a time: who comes second is turned away at once, instead of being left to wait. */
static void KdLineAccept(KD_LINE *Line)
{
    for (;;) {
        int Client = accept4(Line->Listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (Client < 0) {
            return;
        }
        if (KdLineHasLeft(Line)) { /* before this one came */
            KdLineRead(Line->Client, &Line->ToMachine); /* its last words */
            KdLineDropClient(Line);
        }
        if (Line->Client >= 0) {
            close(Client);
        } else {
            Line->Client = Client;
            Line->AttachedSince = TextNow();
        }
    }
}

static bool KdLineWrite(int Descriptor, KD_LINE_FLOW *Flow)
{
    while (KdLineHas(Flow)) {
        if (Descriptor < 0) {
            Flow->Start = Flow->End = 0; /* said to nobody */
            return true;
        }
        ssize_t Sent = send(Descriptor, Flow->Bytes + Flow->Start, Flow->End - Flow->Start,
                            MSG_NOSIGNAL);
        if (Sent < 0) {
            return errno == EAGAIN || errno == EINTR;
        }
        Flow->Start += (size_t)Sent;
    }
    return true;
}

static void KdLineMove(KD_LINE *Line)
{
    KdLineAccept(Line);
    if (!KdLineRead(Line->Client, &Line->ToMachine)) {
        KdLineDropClient(Line);
    }
    if (!KdLineWrite(Line->Machine, &Line->ToMachine) ||
        !KdLineRead(Line->Machine, &Line->ToClient)) {
        Line->Machine = -1;
    }
    if (!KdLineWrite(Line->Client, &Line->ToClient)) {
        KdLineDropClient(Line);
    }
}

/* What an end is waited for: bytes when there is room for them, room when there are bytes. */
static struct pollfd KdLineEnd(int Descriptor, const KD_LINE_FLOW *From, const KD_LINE_FLOW *To)
{
    short Events = (short)((KdLineHas(From) ? 0 : POLLIN) | (KdLineHas(To) ? POLLOUT : 0));
    return (struct pollfd){Events != 0 ? Descriptor : -1, Events, 0};
}

static void *KdLineRun(void *Context)
{
    KD_LINE *Line = Context;
    for (;;) {
        struct pollfd Poll[4] = {
            {Line->Stop, POLLIN, 0},
            {Line->Listener, POLLIN, 0},
            KdLineEnd(Line->Client, &Line->ToMachine, &Line->ToClient),
            KdLineEnd(Line->Machine, &Line->ToClient, &Line->ToMachine),
        };
        poll(Poll, 4, -1);
        if (Poll[0].revents != 0) {
            return NULL;
        }
        KdLineMove(Line);
    }
}

bool KdLineStart(KD_LINE *Line, int Machine)
{
    Line->Machine = Machine;
    Line->Stop = eventfd(0, EFD_CLOEXEC);
    Line->Running =
        Line->Stop >= 0 && pthread_create(&Line->Thread, NULL, KdLineRun, Line) == 0;
    return Line->Running;
}

uint64_t KdLineAttachedTime(const KD_LINE *Line)
{
    uint64_t Since = Line->AttachedSince;
    return Line->AttachedTime + (Since != 0 ? TextNow() - Since : 0);
}

/* What the guest said last is passed on; a debugger that does not read it is not waited for. */
void KdLineClose(KD_LINE *Line)
{
    if (Line->Running) {
        eventfd_write(Line->Stop, 1);
        pthread_join(Line->Thread, NULL);
        Line->Running = false;
        for (int Round = 0; Round < 16 && Line->Machine >= 0; Round++) {
            KdLineMove(Line);
        }
    }
    if (Line->Stop >= 0) {
        close(Line->Stop);
        Line->Stop = -1;
    }
    KdLineDropClient(Line);
    if (Line->Listener >= 0) {
        close(Line->Listener);
        Line->Listener = -1;
    }
    if (Line->Path[0] != 0) {
        unlink(Line->Path);
        Line->Path[0] = 0;
    }
}
