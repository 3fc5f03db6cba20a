/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_LOOP_FIXTURE_H
#define SUPPORT_LOOP_FIXTURE_H
/* One fake loop for all tests of a program: each container of a test hangs its timer on it. */
#include "support/fake_loop.h"
#include "support/test.h"

static struct loop *loop;

static int open_loop(void **state)
{
    (void)state;
    loop = loop_new();
    return 0;
}

static int close_loop(void **state)
{
    (void)state;
    loop_free(loop);
    return 0;
}

#endif
