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
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread_pool.h"
#include "broker/stored/stored.h"
#include "qos/store.h"
#include "server/reload.h"

#define SOCKET "control.sock" /* in the state directory */

#define ASK_MOST    256 /* octets of a question */
#define ASK_SECONDS 5   /* until the question has come, which is one write */

struct control {
    struct reload *reload;
    struct stored_shared *services;
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
             SOCKET);
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

/* The first line. */
#define DONE   "done\n"
#define FAILED "failed\n"

#define PIECE 1024

/* Room for one descriptor, aligned as the kernel has it. */
union enclosed {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int))];
};

static void enclose(struct msghdr *message, union enclosed *enclosed, int file)
{
    struct cmsghdr *header;

    message->msg_control = enclosed;
    message->msg_controllen = sizeof(*enclosed);
    header = CMSG_FIRSTHDR(message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(file));
    memcpy(CMSG_DATA(header), &file, sizeof(file));
}

/* Does not wait for the client, which may be gone. The file (-1: none) stays the caller's. */
static void send_answer(int client, bool is_done, const char *text, int file)
{
    struct buf whole = BUF_INIT;
    union enclosed enclosed = {0};
    struct iovec piece;
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};

    buf_printf(&whole, "%s%s", is_done ? DONE : FAILED, text);
    piece = (struct iovec){whole.data, whole.length};
    if (file >= 0)
        enclose(&message, &enclosed, file);
    (void)sendmsg(client, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    buf_release(&whole);
}

static void take_file(struct msghdr *message, struct control_answer *answer)
{
    const struct cmsghdr *header = CMSG_FIRSTHDR(message);

    if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
        answer->file < 0)
        memcpy(&answer->file, CMSG_DATA(header), sizeof(answer->file));
}

static int read_all(int server, struct buf *text, struct control_answer *answer)
{
    ssize_t got;

    do {
        union enclosed enclosed;
        struct iovec piece;
        struct msghdr message = {.msg_iov = &piece,
                                 .msg_iovlen = 1,
                                 .msg_control = &enclosed,
                                 .msg_controllen = sizeof(enclosed)};

        buf_reserve(text, PIECE);
        piece = (struct iovec){text->data + text->length, PIECE};
        got = recvmsg(server, &message, MSG_CMSG_CLOEXEC);
        if (got > 0) {
            text->length += (size_t)got;
            take_file(&message, answer);
        }
    } while (got > 0 || (got < 0 && errno == EINTR));
    if (got < 0)
        return -errno;
    buf_append_char(text, '\0');
    return 0;
}

/* Takes the first line away. */
static int judge(const char *text, struct control_answer *answer)
{
    const char *head;

    answer->is_done = strncmp(text, DONE, strlen(DONE)) == 0;
    head = answer->is_done ? DONE : FAILED;
    if (strncmp(text, head, strlen(head)) != 0)
        return -EPROTO;
    answer->text = mem_strdup(text + strlen(head));
    return 0;
}

/* Waits for it. 0, and then it is to be released; or a negative errno. */
static int receive_answer(int server, struct control_answer *answer)
{
    struct buf text = BUF_INIT;
    int rc;

    *answer = (struct control_answer){.file = -1};
    rc = read_all(server, &text, answer);
    if (rc == 0)
        rc = judge(text.data, answer);
    buf_release(&text);
    if (rc != 0)
        control_answer_release(answer);
    return rc;
}

void control_answer_release(struct control_answer *answer)
{
    free(answer->text);
    if (answer->file >= 0)
        close(answer->file);
}

/* ---- the server's side ---- */

struct backup {
    struct qos_backup backup;
    const char *service; /* the process has it as long */
    int client;
};

static bool is_wanted(struct qos_backup *base)
{
    const struct backup *backup = container_of(base, struct backup, backup);
    char octet;

    return recv(backup->client, &octet, 1, MSG_PEEK | MSG_DONTWAIT) != 0;
}

static const char *explain(int error)
{
    switch (error) {
    case -EBUSY:
        return "another backup of it is being made";
    case -EOPNOTSUPP:
        return "its messages are in memory (qos.store)";
    case -ESHUTDOWN:
        return "the server stops";
    case -ENOSPC:
        return "the copy is made beside the store, and no room is left there";
    default:
        return strerrordesc_np(-error);
    }
}

static void tell_backup(const struct backup *backup, int status, int file)
{
    struct buf text = BUF_INIT;

    if (status == 0)
        buf_append_str(&text, backup->service);
    else
        buf_printf(&text, "service \"%s\": %s", backup->service, explain(status));
    send_answer(backup->client, status == 0, buf_str(&text), file);
    buf_release(&text);
}

static void on_backup(struct qos_backup *base, int status, int file)
{
    struct backup *backup = container_of(base, struct backup, backup);

    if (status == 0)
        log_info("a copy of the stored messages is made", LOG_STR("service", backup->service));
    else
        log_warn("no copy of the stored messages could be made",
                 LOG_STR("service", backup->service),
                 LOG_STR("reason", status == -ECANCELED ? "who asked is gone" : explain(status)));
    tell_backup(backup, status, file);
    if (status == 0)
        close(file);
    close(backup->client);
    free(backup);
}

/* NULL, with a sentence in fault, when it is not said which, or of none. */
static struct stored_shared *find_service(struct stored_shared *services, size_t count,
                                          const char *name, struct buf *fault)
{
    struct stored_shared *found = NULL;
    size_t fitting = 0;

    for (size_t i = 0; i < count; i++) {
        const bool fits =
            *name != '\0' ? strcmp(services[i].service, name) == 0 : !services[i].is_in_memory;

        if (fits)
            found = &services[i];
        fitting += fits;
    }
    if (fitting == 1)
        return found;
    buf_append_str(fault, *name != '\0' ? "there is no such service; give --service and one of"
                          : fitting > 1 ? "give --service and one of"
                                        : "all messages are in memory (qos.store), of");
    for (size_t i = 0; i < count; i++)
        buf_printf(fault, "%s %s", i > 0 ? "," : "", services[i].service);
    return NULL;
}

/* Does not wait. Owns the client, who is answered and closed in time. */
static void back_up(struct stored_shared *services, size_t count, const char *service, int client)
{
    struct buf fault = BUF_INIT;
    struct stored_shared *of = find_service(services, count, service, &fault);
    struct backup *backup;
    int rc;

    if (!of) {
        send_answer(client, false, buf_str(&fault), -1);
        close(client);
        buf_release(&fault);
        return;
    }
    backup = mem_zalloc(sizeof(*backup));
    backup->backup = (struct qos_backup){is_wanted, on_backup};
    backup->service = of->service;
    backup->client = client;
    rc = stored_shared_back_up(of, &backup->backup);
    if (rc != 0)
        on_backup(&backup->backup, rc, -1);
}

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

static void serve_one(const struct control *control, int fd)
{
    const size_t head = strlen(CONTROL_BACKUP);
    char question[ASK_MOST] = "";
    struct ucred peer;
    const bool has_asked = is_allowed(fd, &peer) && read_question(fd, question);

    if (has_asked && strncmp(question, CONTROL_BACKUP, head) == 0) {
        back_up(control->services, control->service_count, question + head, fd);
        return;
    }
    if (has_asked && strcmp(question, CONTROL_RELOAD) == 0) {
        char *outcome;
        const bool is_done = reload_await(control->reload, peer.uid, &outcome);

        send_answer(fd, is_done, outcome, -1);
        free(outcome);
    }
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
        (void)unlinkat(directory, SOCKET, 0); /* of one that was killed */
    fd = open_socket();
    if (fd < 0)
        return -errno;
    write_address(&address, directory);
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
        fchmodat(directory, SOCKET, S_IRUSR | S_IWUSR, 0) == 0 && listen(fd, 16) == 0)
        return fd;
    error = errno;
    close(fd);
    return -error;
}

static void release(struct control *control)
{
    if (control->listening >= 0) {
        close(control->listening);
        (void)unlinkat(control->directory, SOCKET, 0);
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
    if (control->listening < 0)
        return control->listening;
    return -thread_start(&control->thread, run, control);
}

struct control *control_start(const char *state_directory, struct reload *reload,
                              struct stored_shared *services, size_t service_count)
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

static int connect_in(const char *state_directory)
{
    const int directory = open(state_directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int fd;

    if (directory < 0)
        return -errno;
    fd = connect_to(directory);
    close(directory);
    return fd;
}

bool control_has_server(const char *state_directory)
{
    const int fd = connect_in(state_directory);

    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

int control_ask(const char *state_directory, const char *question, struct control_answer *answer)
{
    const int fd = connect_in(state_directory);
    struct buf line = BUF_INIT;
    int rc;

    if (fd < 0)
        return fd;
    buf_printf(&line, "%s\n", question);
    rc = send(fd, line.data, line.length, MSG_NOSIGNAL) < 0 ? -errno : receive_answer(fd, answer);
    buf_release(&line);
    close(fd);
    return rc;
}
