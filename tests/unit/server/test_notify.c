/* SPDX-License-Identifier: Apache-2.0 */
/* What the service manager hears (sd_notify(3)). */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "server/notify.h"
#include "support/test.h"

/* A socket as the manager has it; name: with @ in the place of the NUL of an abstract one. */
static int listen_at(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    assert_true(fd >= 0);
    memcpy(address.sun_path, name, strlen(name));
    if (name[0] == '@')
        address.sun_path[0] = '\0';
    assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
    assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
    return fd;
}

static const char *heard(int fd)
{
    static char text[200];
    const ssize_t length = recv(fd, text, sizeof(text) - 1, 0);

    assert_true(length > 0);
    text[length] = '\0';
    return text;
}

static void expect_all(int fd)
{
    struct pollfd waiting = {.fd = fd, .events = POLLIN};
    struct watchdog *watchdog;

    notify_ready();
    assert_string_equal(heard(fd), "READY=1");
    notify_reloading();
    assert_int_equal(strncmp(heard(fd), "RELOADING=1\nMONOTONIC_USEC=", 27), 0);
    notify_stopping();
    assert_string_equal(heard(fd), "STOPPING=1");
    assert_int_equal(setenv("WATCHDOG_USEC", "1000000", 1), 0);
    watchdog = watchdog_start(NULL, 0); /* without workers all are alive */
    assert_non_null(watchdog);
    assert_int_equal(poll(&waiting, 1, 10000), 1);
    assert_string_equal(heard(fd), "WATCHDOG=1");
    watchdog_free(watchdog);
    close(fd);
}

static void a_socket_hears_each_state(void **state)
{
    char name[64];

    (void)state;
    snprintf(name, sizeof(name), "/tmp/test-notify-%d", getpid());
    expect_all(listen_at(name));
    unlink(name);
    snprintf(name, sizeof(name), "@test-notify-%d", getpid());
    expect_all(listen_at(name));
}

static void without_a_manager_nothing_happens(void **state)
{
    (void)state;
    unsetenv("NOTIFY_SOCKET");
    notify_ready();
    setenv("NOTIFY_SOCKET", "", 1);
    notify_ready();
    setenv("NOTIFY_SOCKET", "/nowhere/at/all", 1);
    notify_ready(); /* a line in the log */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_socket_hears_each_state),
        cmocka_unit_test(without_a_manager_nothing_happens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
