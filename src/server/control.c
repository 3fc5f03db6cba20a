/* SPDX-License-Identifier: Apache-2.0 */
#include "server/control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/directory.h"
#include "base/log.h"
#include "base/mem.h"
#include "server/backup.h"
#include "server/control_answer.h"
#include "server/reload.h"

#define ASK_MOST    256 /* octets of a question */
#define ASK_SECONDS 5   /* until the question has come, which is one write */
#define STACK_BYTES ((size_t)128 * 1024)

struct control {
    struct reload *reload;
    struct qos_shared *services;
    size_t service_count;
    pthread_t thread;
    int directory; /* of the socket */
    int listening;
    int stop; /* an eventfd */
};

/* A path of any length fits: by the directory's descriptor. */
static void write_address(struct sockaddr_un *address, int directory)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(address->sun_path, sizeof(address->sun_path), "/proc/self/fd/%d/%s", directory,
             CONTROL_SOCKET);
}

static int open_socket(void)
{
    return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

/* Connected, or a negative errno. */
static int connect_to(int directory)
{
    struct sockaddr_un address;
    int fd = open_socket();

    if (fd < 0)
        return -errno;
    write_address(&address, directory);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    const int error = errno;
    close(fd);
    return -error;
}

/* ---- the server's side ---- */

static bool is_allowed(int fd, struct ucred *peer)
{
    socklen_t length = sizeof(*peer);

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, peer, &length) == 0 &&
           (peer->uid == 0 || peer->uid == geteuid());
}

/* A line, without its end. False: none has come. */
static bool read_question(int fd, char text[ASK_MOST])
{
    const struct timeval limit = {.tv_sec = ASK_SECONDS};
    size_t length = 0;

    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    while (length < ASK_MOST && recv(fd, text + length, 1, 0) == 1) {
        if (text[length] == '\n') {
            text[length] = '\0';
            return true;
        }
        length++;
    }
    return false;
}

static void await_reload(const struct control *control, int fd, uid_t uid)
{
    char *outcome;
    const bool is_done = reload_await(control->reload, uid, &outcome);

    control_answer_send(fd, is_done, outcome, -1);
    free(outcome);
}

static void serve_one(const struct control *control, int fd)
{
    const size_t head = strlen(CONTROL_BACKUP);
    char question[ASK_MOST] = "";
    struct ucred peer;
    const bool has_asked = is_allowed(fd, &peer) && read_question(fd, question);

    if (has_asked && strncmp(question, CONTROL_BACKUP, head) == 0) {
        backup_start(control->services, control->service_count, question + head, fd);
        return;
    }
    if (has_asked && strcmp(question, CONTROL_RELOAD) == 0)
        await_reload(control, fd, peer.uid);
    close(fd);
}

static void *run(void *context)
{
    const struct control *control = context;
    struct pollfd watched[] = {{.fd = control->listening, .events = POLLIN},
                               {.fd = control->stop, .events = POLLIN}};

    for (;;) {
        if (poll(watched, 2, -1) < 0 && errno != EINTR)
            return NULL;
        if (watched[1].revents != 0)
            return NULL;
        if (watched[0].revents == 0)
            continue;
        const int fd = accept4(control->listening, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0)
            serve_one(control, fd);
    }
}

static int bind_socket(int directory)
{
    struct sockaddr_un address;
    const int other = connect_to(directory);
    int fd, error;

    if (other >= 0) {
        close(other);
        return -EADDRINUSE;
    }
    if (other == -ECONNREFUSED)
        (void)unlinkat(directory, CONTROL_SOCKET, 0); /* of one that was killed */
    fd = open_socket();
    if (fd < 0)
        return -errno;
    write_address(&address, directory);
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
        fchmodat(directory, CONTROL_SOCKET, S_IRUSR | S_IWUSR, 0) == 0 && listen(fd, 16) == 0)
        return fd;
    error = errno;
    close(fd);
    return -error;
}

static int start_thread(struct control *control)
{
    pthread_attr_t attributes;
    int error;

    (void)pthread_attr_init(&attributes);
    (void)pthread_attr_setstacksize(&attributes, STACK_BYTES);
    error = pthread_create(&control->thread, &attributes, run, control);
    (void)pthread_attr_destroy(&attributes);
    return -error;
}

static void release(struct control *control)
{
    if (control->listening >= 0) {
        close(control->listening);
        (void)unlinkat(control->directory, CONTROL_SOCKET, 0);
    }
    if (control->directory >= 0)
        close(control->directory);
    if (control->stop >= 0)
        close(control->stop);
    free(control);
}

static int open_control(struct control *control, const char *state_directory)
{
    int rc = directory_make(state_directory);

    control->directory = rc < 0 ? rc : open(state_directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (control->directory < 0)
        return rc < 0 ? rc : -errno;
    control->stop = eventfd(0, EFD_CLOEXEC);
    if (control->stop < 0)
        return -errno;
    control->listening = bind_socket(control->directory);
    return control->listening < 0 ? control->listening : start_thread(control);
}

struct control *control_start(const char *state_directory, struct reload *reload,
                              struct qos_shared *services, size_t service_count)
{
    struct control *control = mem_zalloc(sizeof(*control));
    int rc;

    control->reload = reload;
    control->services = services;
    control->service_count = service_count;
    control->directory = control->listening = control->stop = -1;
    rc = open_control(control, state_directory);
    if (rc == 0)
        return control;
    log_warn("the commands reload and backup cannot reach this server; SIGHUP does",
             LOG_STR("directory", state_directory), LOG_STR("reason", strerror(-rc)));
    release(control);
    return NULL;
}

void control_stop(struct control *control)
{
    const uint64_t one = 1;

    if (!control)
        return;
    if (write(control->stop, &one, sizeof(one)) != sizeof(one))
        abort(); /* an eventfd takes it */
    (void)pthread_join(control->thread, NULL);
    release(control);
}

/* ---- the command's side ---- */

static int ask(int fd, const char *question, struct control_answer *answer)
{
    struct buf line = BUF_INIT;
    ssize_t sent;

    buf_printf(&line, "%s\n", question);
    sent = send(fd, line.data, line.length, MSG_NOSIGNAL);
    buf_release(&line);
    return sent < 0 ? -errno : control_answer_receive(fd, answer);
}

int control_ask(const char *state_directory, const char *question, struct control_answer *answer)
{
    const int directory = open(state_directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int fd, rc;

    if (directory < 0)
        return -errno;
    fd = connect_to(directory);
    close(directory);
    if (fd < 0)
        return fd;
    rc = ask(fd, question, answer);
    close(fd);
    return rc;
}
