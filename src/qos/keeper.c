/* SPDX-License-Identifier: Apache-2.0 */
#include "qos/keeper.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"

#define FAULT_SIZE   256u
#define LONG_OPENING 1000000u /* us: worth a line in the log */
/* In times of a long opening: to check a large file is work for the disk. */
#define PAUSE 4u

static uint64_t now_us(void)
{
    return clock_monotonic_ns() / 1000u;
}

/* A disk that stays full fails once a second: one line says it, until something changes. */
static int fail(struct qos_keeper *keeper, int error, const char *reason)
{
    keeper->error = error;
    keeper->is_sound = keeper->is_sound && (error == -ENOSPC || error == -ENOMEM);
    keeper->report.faults++;
    if (keeper->told != error)
        log_error("the store of qos messages has failed: they are refused until it works again",
                  LOG_STR("service", keeper->settings->service), LOG_STR("reason", reason));
    keeper->told = error;
    return error;
}

static void note_success(struct qos_keeper *keeper)
{
    keeper->report.transactions++;
    keeper->report.totals = keeper->repository->totals;
    if (keeper->told != 0)
        log_info("the store of qos messages works again",
                 LOG_STR("service", keeper->settings->service));
    keeper->told = 0;
}

static void close_repository(struct qos_keeper *keeper)
{
    if (keeper->repository)
        keeper->repository->ops->free(keeper->repository);
    keeper->repository = NULL;
    keeper->report.is_open = false;
}

static void note_opening(struct qos_keeper *keeper, uint64_t began, uint64_t ended)
{
    const struct qos_store_settings *settings = keeper->settings;
    const uint64_t took = ended - began;

    keeper->may_open_us = ended + settings->retry_ms * UINT64_C(1000);
    if (took < LONG_OPENING)
        return;
    keeper->may_open_us += PAUSE * took;
    log_info("it took long to open and check the store of qos messages: they had to wait",
             LOG_STR("service", settings->service), LOG_INT("ms", (int64_t)(took / 1000)));
}

static int open_repository(struct qos_keeper *keeper)
{
    const struct qos_store_settings *settings = keeper->settings;
    const uint64_t began = now_us();
    char reason[FAULT_SIZE] = "";
    int error = keeper->is_sound ? -ENOSPC : 0;

    if (keeper->repository)
        return 0;
    if (began < keeper->may_open_us)
        return keeper->error;
    keeper->repository = settings->open(settings->context, &error, reason, sizeof(reason));
    note_opening(keeper, began, now_us());
    if (!keeper->repository)
        return fail(keeper, error, reason);
    keeper->repository->service = settings->service;
    keeper->is_sound = true;
    keeper->report.is_open = true;
    keeper->report.totals = keeper->repository->totals;
    return 0;
}

static int abandon(struct qos_keeper *keeper, int error)
{
    keeper->repository->ops->rollback(keeper->repository);
    close_repository(keeper);
    return fail(keeper, error, strerrordesc_np(-error));
}

static int commit(struct qos_keeper *keeper)
{
    const uint64_t began = now_us();
    uint64_t took;
    int error;

    fault_point("store.before-commit");
    error = keeper->repository->ops->commit(keeper->repository);
    took = now_us() - began;
    keeper->report.commit_us += took;
    if (took > keeper->report.commit_us_max)
        keeper->report.commit_us_max = took;
    return error;
}

void qos_keeper_init(struct qos_keeper *keeper, const struct qos_store_settings *settings)
{
    *keeper = (struct qos_keeper){.settings = settings};
    (void)open_repository(keeper); /* what is wrong is told again to who wants to begin */
}

void qos_keeper_release(struct qos_keeper *keeper)
{
    close_repository(keeper);
}

int qos_keeper_begin(struct qos_keeper *keeper)
{
    int error = open_repository(keeper);

    if (error != 0)
        return error;
    error = keeper->repository->ops->begin(keeper->repository);
    return error == 0 ? 0 : abandon(keeper, error);
}

int qos_keeper_end(struct qos_keeper *keeper)
{
    int error = keeper->repository->fault;

    if (error == 0)
        error = commit(keeper);
    if (error != 0)
        return abandon(keeper, error);
    fault_point("store.committed");
    note_success(keeper);
    return 0;
}
