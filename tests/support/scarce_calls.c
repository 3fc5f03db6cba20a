/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into a server: system calls that fail. FAULT_CALLS names a file that is mapped, which
 * has for each of the calls below four numbers of 64 bits: how many there were, from which and up
 * to which (without it) they fail, and with which errno; with 0 they hang instead, until that is
 * taken back. A test sets these while the process runs.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum call { ACCEPT, OPEN, WRITE, PWRITE, SYNC, RECV, SEND, EPOLL, SOCKET, CONNECT, CALLS };

struct scarcity {
    atomic_uint_least64_t passed, from, to, error;
};

static struct scarcity *calls;

__attribute__((constructor)) static void map_calls(void)
{
    const char *path = getenv("FAULT_CALLS");
    long file = path ? syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC) : -1;
    void *mapped;

    if (file < 0)
        return;
    mapped = mmap(NULL, CALLS * sizeof(*calls), PROT_READ | PROT_WRITE, MAP_SHARED, (int)file, 0);
    if (mapped != MAP_FAILED)
        calls = mapped;
    syscall(SYS_close, file);
}

static bool is_meant(struct scarcity *scarcity, uint64_t pass)
{
    return pass >= atomic_load(&scarcity->from) && pass < atomic_load(&scarcity->to);
}

static bool fails(enum call call)
{
    struct scarcity *scarcity = calls ? &calls[call] : NULL;
    uint64_t pass;

    if (!scarcity)
        return false;
    pass = atomic_fetch_add(&scarcity->passed, 1);
    while (is_meant(scarcity, pass)) {
        errno = (int)atomic_load(&scarcity->error);
        if (errno != 0)
            return true;
        (void)nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    return false;
}

static bool is_file(int fd)
{
    struct stat status;

    return fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

#define NEXT(name) ((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))

static mode_t mode_of(int flags, va_list *more)
{
    return flags & (O_CREAT | O_TMPFILE) ? va_arg(*more, mode_t) : 0;
}

#define OPENER(name)                                                                               \
    int name(const char *path, int flags, ...)                                                     \
    {                                                                                              \
        va_list more;                                                                              \
        mode_t mode;                                                                               \
                                                                                                   \
        va_start(more, flags);                                                                     \
        mode = mode_of(flags, &more);                                                              \
        va_end(more);                                                                              \
        return fails(OPEN) ? -1 : NEXT(name)(path, flags, mode);                                   \
    }

#define OPENER_AT(name)                                                                            \
    int name(int directory, const char *path, int flags, ...)                                      \
    {                                                                                              \
        va_list more;                                                                              \
        mode_t mode;                                                                               \
                                                                                                   \
        va_start(more, flags);                                                                     \
        mode = mode_of(flags, &more);                                                              \
        va_end(more);                                                                              \
        return fails(OPEN) ? -1 : NEXT(name)(directory, path, flags, mode);                        \
    }

OPENER(open)
OPENER(open64)
OPENER_AT(openat)
OPENER_AT(openat64)

int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags)
{
    return fails(ACCEPT) ? -1 : NEXT(accept4)(fd, address, length, flags);
}

ssize_t write(int fd, const void *data, size_t length)
{
    return is_file(fd) && fails(WRITE) ? -1 : NEXT(write)(fd, data, length);
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t offset)
{
    return fails(PWRITE) ? -1 : NEXT(pwrite)(fd, data, length, offset);
}

ssize_t pwrite64(int fd, const void *data, size_t length, off64_t offset)
{
    return fails(PWRITE) ? -1 : NEXT(pwrite64)(fd, data, length, offset);
}

int fsync(int fd)
{
    return fails(SYNC) ? -1 : NEXT(fsync)(fd);
}

int fdatasync(int fd)
{
    return fails(SYNC) ? -1 : NEXT(fdatasync)(fd);
}

ssize_t recv(int fd, void *data, size_t length, int flags)
{
    return fails(RECV) ? -1 : NEXT(recv)(fd, data, length, flags);
}

ssize_t send(int fd, const void *data, size_t length, int flags)
{
    return fails(SEND) ? -1 : NEXT(send)(fd, data, length, flags);
}

int epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
    return fails(EPOLL) ? -1 : NEXT(epoll_ctl)(epoll, operation, fd, event);
}

int socket(int domain, int type, int protocol)
{
    return fails(SOCKET) ? -1 : NEXT(socket)(domain, type, protocol);
}

int connect(int fd, const struct sockaddr *address, socklen_t length)
{
    return fails(CONNECT) ? -1 : NEXT(connect)(fd, address, length);
}
