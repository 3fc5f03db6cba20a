/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <string.h>

#include "h2/peer.h"
#include "support/test.h"

static uint64_t hash_of(const char *text, uint64_t key)
{
    union h2_peer peer = {.any.sa_family = AF_UNIX};

    if (inet_pton(AF_INET, text, &peer.v4.sin_addr) == 1)
        peer.any.sa_family = AF_INET;
    else if (inet_pton(AF_INET6, text, &peer.v6.sin6_addr) == 1)
        peer.any.sa_family = AF_INET6;
    return h2_peer_hash(&peer, &(struct hash_key){{key, 0}});
}

static void one_customer_has_one_hash(void **state)
{
    (void)state;
    assert_int_equal(hash_of("192.0.2.1", 7), hash_of("192.0.2.1", 7));
    assert_int_equal(hash_of("192.0.2.1", 7), hash_of("::ffff:192.0.2.1", 7));
    assert_int_equal(hash_of("2001:db8:0:1::1", 7), hash_of("2001:db8:0:1:ffff::2", 7));
    assert_int_equal(hash_of("192.0.2.1", 7), hash_of("64:ff9b::192.0.2.1", 7));
    assert_int_not_equal(hash_of("64:ff9b::192.0.2.2", 7), hash_of("64:ff9b::192.0.2.1", 7));
    assert_int_not_equal(hash_of("192.0.2.1", 7), hash_of("192.0.2.2", 7));
    assert_int_not_equal(hash_of("2001:db8:0:1::1", 7), hash_of("2001:db8:0:2::1", 7));
    assert_int_not_equal(hash_of("unix", 7), hash_of("255.255.255.255", 7));
}

static void who_meets_depends_on_the_key(void **state)
{
    unsigned met = 0;

    (void)state;
    for (uint64_t key = 0; key < 1000; key++)
        met += hash_of("192.0.2.1", key) % 4 == hash_of("192.0.2.2", key) % 4;
    assert_in_range(met, 150, 350);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_customer_has_one_hash),
        cmocka_unit_test(who_meets_depends_on_the_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
