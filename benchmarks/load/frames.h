/* The messages that both ends of the benchmark know, as the bytes of either dialect. */
#ifndef FRAMES_H
#define FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum dialect { HIXIE_76, RFC_6455, DIALECTS };
extern const char *const DIALECT_NAMES[DIALECTS];

/* DIALECTS when there is none of that name. */
enum dialect dialect_named(const char *name);

enum sender { FROM_CLIENT, FROM_SERVER };

/* What the messages are made of: characters whose UTF-8 has at most one, three or four bytes.
   What each costs a relay that decodes differs much. */
enum text { ASCII, BMP, ASTRAL, TEXTS };
extern const char *const TEXT_NAMES[TEXTS];

/* TEXTS when there is no text of that name. */
enum text text_named(const char *name);

/* What a message is. As JSON it is one object of the same size, {"hop":1,"text":"..."}: a relay
   under test may be made to edit each message, by adding one to `hop`. */
struct content {
    enum text text;
    bool json;
    unsigned hop; /* at most HOP_MAX */
};

enum {
    HOP_SENT = 1,
    HOP_MAX = 9, /* one digit: an edit does not change the size */
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
                          struct content content);

/* The payload of a text frame of less than 126 bytes at the start of what a server sent; NULL
   while it has not come whole, or is something else. */
const unsigned char *frame_payload(enum dialect dialect, const unsigned char *bytes,
                                   size_t length, size_t *size);

/* Writes what stands before the text in such content, and returns its length. */
size_t content_start(struct content content, char *out, size_t size);

/* Writes a short text as such content, ending with a NUL, and returns its length. */
size_t content_write(struct content content, const char *text, char *out, size_t size);

/* Writes one frame, at most `length` + OVERHEAD_MAX bytes, and returns its size. */
size_t frame_text(enum dialect dialect, enum sender sender, const void *payload, size_t length,
                  unsigned char *out);

/* Writes the closing handshake of one side (at most OVERHEAD_MAX bytes) and returns its size. */
size_t frame_close(enum dialect dialect, enum sender sender, unsigned char *out);

/* RFC 6455: XORs with the mask; `phase` is the offset of `bytes` in its payload. */
void apply_mask(unsigned char *bytes, size_t length, const unsigned char mask[MASK_SIZE],
                size_t phase);

#endif
