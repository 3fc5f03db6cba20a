/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the server can listen where it is to: who is there, and who may. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/doctor.h"
#include "h2/listener.h"
#include "server/config.h"
#include "server/control.h"

#define TCP_LISTEN 0x0au /* of the kernel's states */

/* The inodes of sockets that listen at a port, of one table of the kernel. */
static size_t find_sockets(const char *table, unsigned port, unsigned long *inodes, size_t most)
{
    FILE *file = fopen(table, "re");
    char line[400];
    size_t count = 0;

    while (file && count < most && fgets(line, sizeof(line), file)) {
        unsigned local, state;
        unsigned long inode;

        if (sscanf(line,
                   " %*u: %*64[0-9A-F]:%x %*64[0-9A-F]:%*x %x %*x:%*x %*x:%*x %*x %*u %*u %lu",
                   &local, &state, &inode) == 3 &&
            local == port && state == TCP_LISTEN)
            inodes[count++] = inode;
    }
    if (file)
        fclose(file);
    return count;
}

/* Whether one of the process's files is such a socket. */
static bool has_socket(const char *pid, const unsigned long *inodes, size_t count)
{
    char path[300], target[64];
    struct dirent *entry;
    bool has = false;
    DIR *files;

    snprintf(path, sizeof(path), "/proc/%.20s/fd", pid);
    files = opendir(path);
    while (files && !has && (entry = readdir(files))) {
        const ssize_t length = readlinkat(dirfd(files), entry->d_name, target, sizeof(target) - 1);
        unsigned long inode;

        if (length <= 0)
            continue;
        target[length] = '\0';
        if (sscanf(target, "socket:[%lu]", &inode) != 1)
            continue;
        for (size_t i = 0; i < count; i++)
            has = has || inodes[i] == inode;
    }
    if (files)
        closedir(files);
    return has;
}

/* "nginx (process 12)", as far as this user may see. */
static void name_process(pid_t pid, char *to, size_t size)
{
    char path[60];
    char *name;

    snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
    name = file_read(path, 64, NULL);
    if (name)
        snprintf(to, size, "%.*s (process %d)", (int)strcspn(name, "\n"), name, (int)pid);
    else
        snprintf(to, size, "a process that this user may not see");
    free(name);
}

static void name_owner(unsigned port, char *to, size_t size)
{
    unsigned long inodes[64];
    size_t count = find_sockets("/proc/net/tcp", port, inodes, 64);
    DIR *processes = opendir("/proc");
    struct dirent *entry;

    count += find_sockets("/proc/net/tcp6", port, inodes + count, 64 - count);
    snprintf(to, size, "a process that this user may not see");
    while (processes && (entry = readdir(processes))) {
        if (!isdigit((unsigned char)*entry->d_name) || !has_socket(entry->d_name, inodes, count))
            continue;
        name_process((pid_t)strtol(entry->d_name, NULL, 10), to, size);
        break;
    }
    if (processes)
        closedir(processes);
}

/* Whoever called listen() on a unix socket: 0 and its process, or a negative errno. */
static int find_listener(const char *path, pid_t *pid)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct ucred peer = {.pid = 0};
    socklen_t size = sizeof(peer);
    int rc = 0;

    if (fd < 0)
        return -errno;
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 && errno != EAGAIN)
        rc = -errno; /* EAGAIN: more wait there than it takes */
    else if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0)
        *pid = peer.pid;
    close(fd);
    return rc;
}

static unsigned port_of(const char *address)
{
    const char *colon = strrchr(address, ':');

    return colon ? (unsigned)strtoul(colon + 1, NULL, 10) : 0;
}

static void find_taken(const struct doctor_subject *subject, const char *address, const char *owner)
{
    if (strncmp(owner, "sse-server (", 12) == 0 &&
        control_has_server(subject->doctor->config->state_directory))
        doctor_find(subject, DOCTOR_OK, NULL, "%.100s: the server of these settings, %s", address,
                    owner);
    else
        doctor_find(subject, DOCTOR_ERROR, "stop that, or give another address",
                    "%.100s is in use by %s", address, owner);
}

static void find_refused(const struct doctor_subject *subject, int error, const char *fault)
{
    if (error == -EACCES || error == -EPERM)
        doctor_find(subject, DOCTOR_ERROR,
                    "run it as a service with CAP_NET_BIND_SERVICE (the systemd unit has that), or "
                    "give a port above those of net.ipv4.ip_unprivileged_port_start",
                    "%s: this user may not use that port", fault);
    else
        doctor_find(
            subject, DOCTOR_ERROR,
            "give an address of this machine (ip address shows them), or \"*:PORT\" for all", "%s",
            fault);
}

/* Nobody listens there: whether the server could. */
static void try_address(const struct doctor_subject *subject, const char *address)
{
    struct h2_bound bound = {.count = 0};
    char fault[300] = "";
    const int rc = h2_bound_open(&bound, address, fault, sizeof(fault));

    if (rc == 0)
        h2_bound_close(&bound);
    if (rc == 0)
        doctor_find(subject, DOCTOR_OK, NULL, "%.100s is free", address);
    else
        find_refused(subject, rc, fault);
}

/* Of its directory and its length the preflight tells. */
static void check_unix(const struct doctor_subject *subject, const char *address, const char *path)
{
    struct stat status;
    char owner[120] = "";
    pid_t pid = 0;
    int rc;

    if (stat(path, &status) != 0)
        return;
    if (!S_ISSOCK(status.st_mode)) {
        doctor_find(subject, DOCTOR_ERROR, "remove it, or give another path",
                    "%.200s: what is there is no socket, and a start does not replace it", address);
        return;
    }
    rc = find_listener(path, &pid);
    name_process(pid, owner, sizeof(owner));
    if (rc == 0)
        find_taken(subject, address, owner);
    else if (rc == -ECONNREFUSED)
        doctor_find(subject, DOCTOR_OK, NULL,
                    "%.200s is left from a process that has ended; a start replaces it", address);
    else
        doctor_find(subject, DOCTOR_WARNING,
                    "run the doctor as the server's user; else see socketMode and socketGroup",
                    "%.200s cannot be tried: %s", address, strerror(-rc));
}

static void check_address(const struct doctor_subject *subject, const char *address)
{
    const char *path = h2_address_unix_path(address);
    char fault[300] = "", owner[120];
    int rc;

    if (path)
        check_unix(subject, address, path);
    if (path || port_of(address) == 0)
        return; /* a port 0 is always free */
    rc = h2_address_probe(address, fault, sizeof(fault));
    if (rc == -EADDRINUSE) {
        name_owner(port_of(address), owner, sizeof(owner));
        find_taken(subject, address, owner);
    } else if (rc != 0) {
        find_refused(subject, rc, fault);
    } else {
        try_address(subject, address);
    }
}

void doctor_check_addresses(struct doctor *doctor)
{
    for (size_t i = 0; i < doctor->config->listener_count; i++) {
        char name[60];
        const struct doctor_subject subject = {doctor, "address", name};

        snprintf(name, sizeof(name), "listeners[%zu]", i);
        check_address(&subject, doctor->config->listeners[i].address);
    }
}
