/* The messages that both ends of the benchmark know, as the bytes of either dialect. */
#ifndef FRAMES_H
#define FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum dialect { HIXIE_76, RFC_6455 };
enum sender { FROM_CLIENT, FROM_SERVER };

/* What the messages are made of: characters whose UTF-8 has at most one, three or four bytes.
   What each costs a relay that decodes differs much. */
enum text { ASCII, BMP, ASTRAL, TEXTS };
extern const char *const TEXT_NAMES[TEXTS];

/* TEXTS when there is no text of that name. */
enum text text_named(const char *name);

enum {
    MESSAGE_LINE = 32, /* every message is a whole number of such lines */
    MESSAGE_MAX = 64 << 20,
    HEADER_MAX = 14, /* RFC 6455: two bytes, a 64-bit length, a mask */
    OVERHEAD_MAX = HEADER_MAX + 1,
    MASK_SIZE = 4,
};

/* One period of a repeating stream of frames. Its messages are distinct and numbered, line by
   line, so that a lost, repeated, swapped or damaged byte changes what is compared. */
struct stream {
    unsigned char *bytes;
    size_t length;   /* of the whole period */
    size_t frame;    /* of each frame, with its framing */
    size_t header;   /* what stands before each payload */
    size_t messages; /* in a period */
};

struct stream stream_make(enum dialect dialect, enum sender sender, size_t message_size,
                          enum text text);

/* Writes one frame, at most `length` + OVERHEAD_MAX bytes, and returns its size. */
size_t frame_text(enum dialect dialect, enum sender sender, const void *payload, size_t length,
                  unsigned char *out);

/* Writes the closing handshake of one side (at most OVERHEAD_MAX bytes) and returns its size. */
size_t frame_close(enum dialect dialect, enum sender sender, unsigned char *out);

/* RFC 6455: XORs with the mask; `phase` is the offset of `bytes` in its payload. */
void apply_mask(unsigned char *bytes, size_t length, const unsigned char mask[MASK_SIZE],
                size_t phase);

#endif
