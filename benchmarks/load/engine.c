/* The event loop of the load client: opens the connections, runs the work within its bounds, and
   sums up. */
#include "connection.h"
#include "net.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

enum {
    EVENTS = 256,
    OPENING_MAX = 32, /* handshakes at a time: relays have small accept queues */
};

static struct connection *connections;
static unsigned total, begun;
static bool working;
static uint64_t started_at, give_up_at;

static uint64_t nanoseconds(double seconds)
{
    return (uint64_t)(seconds * 1e9);
}

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (!memory)
        leave(EXIT_FAILURE, "out of memory");
    return memory;
}

static void prepare(const struct settings *settings)
{
    const struct work *work = &settings->work;
    run.settings = settings;
    run.work = *work;
    struct content there = settings->content, back = settings->content;
    there.hop += settings->edits;
    back.hop += 2 * settings->edits;
    run.service = (struct service){.sink = work->shape == ONE_WAY,
                                   .message_size = work->message_size,
                                   .content = there};
    run.returned = back;
    run.outgoing =
        stream_make(settings->dialect, FROM_CLIENT, work->message_size, settings->content);
    run.incoming = stream_make(settings->dialect, FROM_SERVER, work->message_size, back);
    run.budget = work->count;
    run.poller = epoll_create1(EPOLL_CLOEXEC);
    if (work->shape == ECHOED && work->outstanding == 1) {
        run.round_trip_max = (size_t)work->count;
        run.round_trips = allocate(run.round_trip_max, sizeof *run.round_trips);
    }
    total = work->busy + work->idle;
    connections = allocate(total, sizeof *connections);
    for (unsigned i = 0; i < total; i++)
        connections[i].number = i;
}

static void start_clock(uint64_t now)
{
    working = true;
    started_at = now;
    run.stop_at = now + nanoseconds(run.settings->seconds);
    give_up_at = run.stop_at + nanoseconds(run.settings->timeout);
}

/* CHURN measures the opening of connections; the other works begin when all are open. */
static void open_more(uint64_t now)
{
    if (working)
        return;
    if (run.work.shape == CHURN) {
        start_clock(now);
        while (begun < total && take_budget(1, now))
            connection_begin(&connections[begun++]);
        return;
    }
    while (begun < total && run.opening < OPENING_MAX)
        connection_begin(&connections[begun++]);
    if (run.open == total) {
        start_clock(now);
        for (unsigned i = 0; i < run.work.busy; i++)
            connection_work(&connections[i], now);
    }
}

static void give_up(void)
{
    if (!working)
        leave(EXIT_FAILURE, "stalled: after %g s %u of %u connections were open",
              run.settings->timeout, run.open, total);
    leave(EXIT_FAILURE, "stalled: %g s after the end %" PRIu64 " of %" PRIu64 " %s were finished",
          run.settings->timeout, run.finished, run.granted,
          run.work.shape == CHURN ? "connections" : "messages");
}

static int wait_ms(uint64_t now)
{
    uint64_t until = working && now < run.stop_at ? run.stop_at : give_up_at;
    return (int)((until - now) / 1000000) + 1;
}

static int by_value(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

static double percentile_us(double fraction)
{
    return run.round_trips[(size_t)((double)(run.round_trip_count - 1) * fraction)] / 1e3;
}

static struct outcome sum_up(void)
{
    struct outcome outcome = {.seconds = (double)(run.last_at - started_at) / 1e9,
                              .messages = run.finished};
    if (run.round_trip_count) {
        qsort(run.round_trips, run.round_trip_count, sizeof *run.round_trips, by_value);
        outcome.has_round_trips = true;
        outcome.round_trip_p50_us = percentile_us(0.50);
        outcome.round_trip_p99_us = percentile_us(0.99);
    }
    return outcome;
}

struct outcome work_run(const struct settings *settings)
{
    struct epoll_event events[EVENTS];
    prepare(settings);
    give_up_at = now_ns() + nanoseconds(settings->timeout);
    for (;;) {
        uint64_t now = now_ns();
        open_more(now);
        if (working && now >= run.stop_at)
            run.budget = 0;
        if (working && !run.budget && run.finished == run.granted)
            return sum_up();
        if (now >= give_up_at)
            give_up();
        int count = epoll_wait(run.poller, events, EVENTS, wait_ms(now));
        if (count < 0 && errno != EINTR)
            leave(EXIT_FAILURE, "epoll_wait: %s", strerror(errno));
        for (int i = 0; i < count; i++)
            connection_event(events[i].data.ptr, events[i].events);
    }
}
