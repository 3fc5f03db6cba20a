/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into a server: a disk that is slow, or hangs. SLOW_DISK names a file that is mapped,
 * with numbers of 64 bits that a test sets and reads while the process runs (struct slow_disk).
 * Calls that ask the disk for something below the directory SLOW_DISK_BELOW take delay_ms longer;
 * all ones: they do not come back until that changes.
 *
 * Also counts the calls below that directory that came from an event loop: from a thread that has
 * been in epoll_wait(). There must be none. The first of them is named in the file, as text.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct slow_disk {
    atomic_uint_least64_t delay_ms;
    atomic_uint_least64_t held;   /* calls that wait now */
    atomic_uint_least64_t passed; /* in all */
    atomic_uint_least64_t by_loops;
    char first_by_loop[32];
};

#define FOR_EVER UINT64_MAX

static struct slow_disk *disk;
static char below[4096];
static size_t below_length;
static _Thread_local bool is_loop;

__attribute__((constructor)) static void map_disk(void)
{
    const char *path = getenv("SLOW_DISK");
    const char *directory = getenv("SLOW_DISK_BELOW");
    long file = path && directory ? syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC) : -1;
    void *mapped;

    if (file < 0 || !realpath(directory, below))
        return;
    below_length = strlen(below);
    mapped = mmap(NULL, sizeof(*disk), PROT_READ | PROT_WRITE, MAP_SHARED, (int)file, 0);
    if (mapped != MAP_FAILED)
        disk = mapped;
    syscall(SYS_close, file);
}

static bool is_below(const char *path)
{
    return strncmp(path, below, below_length) == 0 &&
           (path[below_length] == '/' || path[below_length] == '\0' || path[below_length] == ' ');
}

/* What has no name yet is "<directory>/#<number> (deleted)". */
static bool is_fd_below(int fd)
{
    char link[32], path[4096];
    ssize_t length;

    if (!disk || fd < 0)
        return false;
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    length = readlink(link, path, sizeof(path) - 1);
    if (length < 0)
        return false;
    path[length] = '\0';
    return is_below(path);
}

static bool is_path_below(int directory, const char *path)
{
    if (!disk || !path)
        return false;
    return path[0] == '/' ? is_below(path) : directory != AT_FDCWD && is_fd_below(directory);
}

static uint64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void wait_for_disk(const char *call)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    const uint64_t began = now_ms();
    const int error = errno;
    uint64_t delay;

    if (is_loop && atomic_fetch_add(&disk->by_loops, 1) == 0)
        snprintf(disk->first_by_loop, sizeof(disk->first_by_loop), "%s", call);
    atomic_fetch_add(&disk->passed, 1);
    atomic_fetch_add(&disk->held, 1);
    while ((delay = atomic_load(&disk->delay_ms)) == FOR_EVER || now_ms() < began + delay)
        nanosleep(&pause, NULL);
    atomic_fetch_sub(&disk->held, 1);
    errno = error;
}

static void ask_fd(int fd, const char *call)
{
    if (is_fd_below(fd))
        wait_for_disk(call);
}

static void ask_path(int directory, const char *path, const char *call)
{
    if (is_path_below(directory, path))
        wait_for_disk(call);
}

#define NEXT(name) ((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))

int epoll_wait(int epoll, struct epoll_event *events, int most, int timeout)
{
    is_loop = true;
    return NEXT(epoll_wait)(epoll, events, most, timeout);
}

/* ---- by descriptor ---- */

#define BY_FD(type, name, parameters, ...)                                                         \
    type name parameters                                                                           \
    {                                                                                              \
        ask_fd(fd, #name);                                                                         \
        return NEXT(name)(__VA_ARGS__);                                                            \
    }

BY_FD(ssize_t, read, (int fd, void *data, size_t length), fd, data, length)
BY_FD(ssize_t, pread, (int fd, void *data, size_t length, off_t at), fd, data, length, at)
BY_FD(ssize_t, pread64, (int fd, void *data, size_t length, off64_t at), fd, data, length, at)
BY_FD(ssize_t, write, (int fd, const void *data, size_t length), fd, data, length)
BY_FD(ssize_t, pwrite, (int fd, const void *data, size_t length, off_t at), fd, data, length, at)
BY_FD(ssize_t, pwrite64, (int fd, const void *data, size_t length, off64_t at), fd, data, length,
      at)
BY_FD(int, fsync, (int fd), fd)
BY_FD(int, fdatasync, (int fd), fd)
BY_FD(int, ftruncate, (int fd, off_t length), fd, length)
BY_FD(int, ftruncate64, (int fd, off64_t length), fd, length)
BY_FD(int, fstat, (int fd, struct stat *facts), fd, facts)
BY_FD(int, fstatvfs, (int fd, struct statvfs *facts), fd, facts)

/* To close a directory asks no disk for anything. */
int close(int fd)
{
    struct stat facts;

    if (disk && syscall(SYS_fstat, fd, &facts) == 0 && S_ISREG(facts.st_mode))
        ask_fd(fd, "close");
    return NEXT(close)(fd);
}

/* ---- by path ---- */

#define BY_PATH(type, name, directory, path, parameters, ...)                                      \
    type name parameters                                                                           \
    {                                                                                              \
        ask_path(directory, path, #name);                                                          \
        return NEXT(name)(__VA_ARGS__);                                                            \
    }

BY_PATH(int, stat, AT_FDCWD, path, (const char *path, struct stat *facts), path, facts)
BY_PATH(int, lstat, AT_FDCWD, path, (const char *path, struct stat *facts), path, facts)
BY_PATH(int, statvfs, AT_FDCWD, path, (const char *path, struct statvfs *facts), path, facts)
BY_PATH(int, access, AT_FDCWD, path, (const char *path, int mode), path, mode)
BY_PATH(int, mkdir, AT_FDCWD, path, (const char *path, mode_t mode), path, mode)
BY_PATH(int, unlink, AT_FDCWD, path, (const char *path), path)
BY_PATH(int, rename, AT_FDCWD, to, (const char *from, const char *to), from, to)
BY_PATH(DIR *, opendir, AT_FDCWD, path, (const char *path), path)
BY_PATH(FILE *, fopen, AT_FDCWD, path, (const char *path, const char *mode), path, mode)
BY_PATH(FILE *, fopen64, AT_FDCWD, path, (const char *path, const char *mode), path, mode)
BY_PATH(int, unlinkat, directory, path, (int directory, const char *path, int flags), directory,
        path, flags)
BY_PATH(int, fstatat, directory, path,
        (int directory, const char *path, struct stat *facts, int flags), directory, path, facts,
        flags)
BY_PATH(int, linkat, directory, path,
        (int from_directory, const char *from, int directory, const char *path, int flags),
        from_directory, from, directory, path, flags)

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
        ask_path(AT_FDCWD, path, #name);                                                           \
        return NEXT(name)(path, flags, mode);                                                      \
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
        ask_path(directory, path, #name);                                                          \
        return NEXT(name)(directory, path, flags, mode);                                           \
    }

OPENER(open)
OPENER(open64)
OPENER_AT(openat)
OPENER_AT(openat64)
