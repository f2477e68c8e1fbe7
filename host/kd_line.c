/* SPDX-License-Identifier: MIT */
#include "host/kd_line.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "host/text.h"

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
    Line->Listener = Line->Client = Line->Machine = -1;
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
    Line->Listener = Line->Machine = -1;
    Line->Client = Client;
    fcntl(Client, F_SETFL, fcntl(Client, F_GETFL) | O_NONBLOCK);
}

static void KdLineDropClient(KD_LINE *Line)
{
    if (Line->Client >= 0) {
        close(Line->Client);
        Line->Client = -1;
    }
    Line->ToClient.Start = Line->ToClient.End = 0;
}

void KdLineClose(KD_LINE *Line)
{
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

static bool KdLineHas(const KD_LINE_FLOW *Flow)
{
    return Flow->Start != Flow->End;
}

void KdLinePoll(const KD_LINE *Line, struct pollfd Poll[KD_LINE_POLLS])
{
    Poll[0] = (struct pollfd){Line->Listener, POLLIN, 0};
    Poll[1] = (struct pollfd){Line->Client,
                              (short)((KdLineHas(&Line->ToMachine) ? 0 : POLLIN) |
                                      (KdLineHas(&Line->ToClient) ? POLLOUT : 0)), 0};
    Poll[2] = (struct pollfd){Line->Machine,
                              (short)((KdLineHas(&Line->ToClient) ? 0 : POLLIN) |
                                      (KdLineHas(&Line->ToMachine) ? POLLOUT : 0)), 0};
}

/* One at a time: who comes second is turned away at once, instead of being left to wait. */
static void KdLineAccept(KD_LINE *Line)
{
    for (;;) {
        int Client = accept4(Line->Listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (Client < 0) {
            return;
        }
        if (Line->Client >= 0) {
            close(Client);
        } else {
            Line->Client = Client;
        }
    }
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

void KdLineRun(KD_LINE *Line)
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
