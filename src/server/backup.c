/* SPDX-License-Identifier: Apache-2.0 */
#include "server/backup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/qos/qos_shared.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "qos/backup.h"
#include "server/control_answer.h"

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

static void tell(const struct backup *backup, int status, int file)
{
    struct buf text = BUF_INIT;

    if (status == 0)
        buf_append_str(&text, backup->service);
    else
        buf_printf(&text, "service \"%s\": %s", backup->service, explain(status));
    control_answer_send(backup->client, status == 0, buf_str(&text), file);
    buf_release(&text);
}

static void done(struct qos_backup *base, int status, int file)
{
    struct backup *backup = container_of(base, struct backup, backup);

    if (status == 0)
        log_info("a copy of the stored messages is made", LOG_STR("service", backup->service));
    else
        log_warn("no copy of the stored messages could be made",
                 LOG_STR("service", backup->service),
                 LOG_STR("reason", status == -ECANCELED ? "who asked is gone" : explain(status)));
    tell(backup, status, file);
    if (status == 0)
        close(file);
    close(backup->client);
    free(backup);
}

/* NULL, with a sentence in fault, when it is not said which, or of none. */
static struct qos_shared *find(struct qos_shared *services, size_t count, const char *name,
                               struct buf *fault)
{
    struct qos_shared *found = NULL;
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

void backup_start(struct qos_shared *services, size_t count, const char *service, int client)
{
    struct buf fault = BUF_INIT;
    struct qos_shared *of = find(services, count, service, &fault);
    struct backup *backup;
    int rc;

    if (!of) {
        control_answer_send(client, false, buf_str(&fault), -1);
        close(client);
        buf_release(&fault);
        return;
    }
    backup = mem_zalloc(sizeof(*backup));
    backup->backup = (struct qos_backup){is_wanted, done};
    backup->service = of->service;
    backup->client = client;
    rc = qos_shared_back_up(of, &backup->backup);
    if (rc != 0)
        done(&backup->backup, rc, -1);
}
