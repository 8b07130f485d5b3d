/* One connection of the load client: its states, what it sends, and how it judges what comes. */
#ifndef CONNECTION_H
#define CONNECTION_H

#include "deframe.h"
#include "engine.h"
#include "handshake.h"

enum state { CONNECTING, HANDSHAKING, IDLE, BUSY, REPORTING, CLOSING };

struct connection {
    int fd;
    unsigned number;
    enum state state;
    bool blocked;      /* waits until the socket takes more */
    uint64_t granted;  /* messages that it may send in all */
    uint64_t sent;     /* bytes of frames */
    uint64_t received; /* bytes of frames, as they are expected */
    /* RFC 6455: a server may frame its messages in other ways than ours does. */
    bool framed_otherwise;
    struct deframer deframer;
    uint64_t sent_at;
    /* What must be seen whole: the response, a report, the closing handshake. */
    unsigned char head[HEAD_MAX];
    size_t head_length;
};

/* What the connections share. */
struct run {
    const struct settings *settings;
    struct work work;
    struct service service;
    struct content returned; /* what comes from the server */
    struct stream outgoing, incoming;
    unsigned opening, open;
    uint64_t budget;   /* messages (CHURN: connections) that may still be started */
    uint64_t granted;  /* that were started */
    uint64_t finished; /* that came back, or arrived */
    uint64_t stop_at, last_at;
    uint32_t *round_trips; /* in ns; NULL when they are not measured */
    size_t round_trip_count, round_trip_max;
    int poller;
};

extern struct run run;

/* Any of these leaves with status 1 when the peer is not as it must be. */
void connection_begin(struct connection *c);
void connection_work(struct connection *c, uint64_t now);
void connection_event(struct connection *c, uint32_t events);

/* How many of `wanted` messages may be started: none once the time is over. */
uint64_t take_budget(uint64_t wanted, uint64_t now);

#endif
