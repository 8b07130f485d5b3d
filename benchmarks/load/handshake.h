/* The opening handshake, both sides, of hixie-76 and RFC 6455. */
#ifndef HANDSHAKE_H
#define HANDSHAKE_H

#include "frames.h"

enum { HEAD_MAX = 4096 };

/* What the resource of a request asks the server to do. */
struct service {
    bool sink;           /* check and count messages instead of echoing them */
    size_t message_size; /* those of a sink */
    struct content content;
};

/* Writes a request (at most HEAD_MAX bytes) and returns its length. `vector` chooses the
   published keys of hixie-76. */
size_t request_write(enum dialect dialect, unsigned vector, uint16_t port,
                     const struct service *service, unsigned char *out);

/* The length of a whole response at the start of `head`, or 0 while more must come; when it is
   wrong, `fault` says why. */
size_t response_check(enum dialect dialect, unsigned vector, uint16_t port,
                      const struct service *service, const unsigned char *head, size_t length,
                      const char **fault);

/* Answers the request at the start of `head`, of that dialect only unless `only` is DIALECTS. Returns the length of the request, or 0 while more
   must come; a refused request has `refused` set, and the reply says why. */
struct answer {
    enum dialect dialect;
    struct service service;
    bool refused;
    size_t reply_length;
    unsigned char reply[HEAD_MAX];
};
size_t request_answer(const unsigned char *head, size_t length, enum dialect only,
                      struct answer *answer);

#endif
