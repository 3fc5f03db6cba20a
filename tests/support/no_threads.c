/* SPDX-License-Identifier: Apache-2.0 */
/* Linked to unit tests that are not built with TSan, since they have one thread. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                   void *argument)
{
    (void)thread;
    (void)attributes;
    (void)run;
    (void)argument;
    (void)fputs(
        "This test starts a thread: name it in tests/unit/CMakeLists.txt (threaded), so that "
        "it runs with TSan\n",
        stderr);
    abort();
}
