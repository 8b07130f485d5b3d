/* The works: what to do with how many connections, and what came of it. */
#ifndef ENGINE_H
#define ENGINE_H

#include "frames.h"

enum shape {
    ECHOED,  /* every message comes back */
    ONE_WAY, /* the server counts, and reports at the end */
    CHURN,   /* each connection: handshake, one echo, closing handshake, then a new one */
};

struct work {
    const char *name;
    enum shape shape;
    unsigned busy, idle;  /* connections */
    unsigned outstanding; /* messages on their way, per busy connection */
    size_t message_size;
    uint64_t count; /* stop after so many messages (CHURN: connections) */
};

struct settings {
    struct work work;
    enum dialect dialect;
    uint16_t port;
    double seconds; /* stop after so long */
    double timeout; /* to open all connections, and to receive what is on its way at the end */
    struct content content; /* as it is sent */
    unsigned edits; /* made by the relay on each way: `hop` is so much more on arrival */
};

struct outcome {
    double seconds;
    uint64_t messages;
    bool has_round_trips; /* only with one message outstanding per connection */
    double round_trip_p50_us, round_trip_p99_us;
};

/* Leaves with status 1 when anything is not as it must be. */
struct outcome work_run(const struct settings *settings);

#endif
