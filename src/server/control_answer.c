/* SPDX-License-Identifier: Apache-2.0 */
#include "server/control_answer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"

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

void control_answer_send(int client, bool is_done, const char *text, int file)
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

int control_answer_receive(int server, struct control_answer *answer)
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
