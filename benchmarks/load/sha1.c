/* SHA-1 (RFC 3174) of a short message: own code, so that a C compiler is all the benchmark needs. */
#include "sha1.h"

#include <stdint.h>
#include <string.h>

enum { BLOCK = 64 };

static uint32_t rotated(uint32_t value, unsigned turn)
{
    return value << turn | value >> (32 - turn);
}

static void mix_block(uint32_t state[5], const unsigned char block[BLOCK])
{
    uint32_t words[80], a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
    for (unsigned i = 0; i < 16; i++)
        words[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
                   (uint32_t)block[4 * i + 2] << 8 | (uint32_t)block[4 * i + 3];
    for (unsigned i = 16; i < 80; i++)
        words[i] = rotated(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1);
    for (unsigned i = 0; i < 80; i++) {
        uint32_t mixed;
        switch (i / 20) {
        case 0:
            mixed = ((b & c) | (~b & d)) + 0x5a827999;
            break;
        case 1:
            mixed = (b ^ c ^ d) + 0x6ed9eba1;
            break;
        case 2:
            mixed = ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
            break;
        default:
            mixed = (b ^ c ^ d) + 0xca62c1d6;
            break;
        }
        uint32_t sum = rotated(a, 5) + mixed + e + words[i];
        e = d;
        d = c;
        c = rotated(b, 30);
        b = a;
        a = sum;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
}

void sha1_short(const unsigned char *message, size_t length, unsigned char digest[SHA1_SIZE])
{
    uint32_t state[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    unsigned char blocks[2 * BLOCK] = {0};
    /* The padding: one bit, and in the last eight bytes the length in bits, big-endian; two
       bytes hold that of any message this short. */
    size_t size = length + 1 + 8 <= BLOCK ? BLOCK : 2 * BLOCK;
    memcpy(blocks, message, length);
    blocks[length] = 0x80;
    blocks[size - 2] = (unsigned char)(length * 8 >> 8);
    blocks[size - 1] = (unsigned char)(length * 8);
    for (size_t at = 0; at < size; at += BLOCK)
        mix_block(state, blocks + at);
    for (unsigned i = 0; i < SHA1_SIZE; i++)
        digest[i] = (unsigned char)(state[i / 4] >> 8 * (3 - i % 4));
}
