/* Takes the frames of an RFC 6455 server apart, whatever way it has chosen to frame a message. */
#ifndef DEFRAME_H
#define DEFRAME_H

#include "frames.h"

/* Where in the frames a reader stands. All zero at the start of a connection. */
struct deframer {
    unsigned char header[HEADER_MAX];
    size_t header_length;
    uint64_t payload_left;
    bool in_payload, in_message;
};

/* A part of a text message: some payload, none when only its start or end came. */
struct piece {
    const unsigned char *payload;
    size_t length;
    bool starts, ends; /* the message, with this piece */
};

/* Takes bytes from the front of what came, at least one, and returns how many. What they are of a
   text message goes to `piece`; pings and pongs are none of it. `fault` is NULL, or says what no
   server may send or no relay has a reason to. */
size_t deframe(struct deframer *deframer, const unsigned char *bytes, size_t length,
               struct piece *piece, const char **fault);

#endif
