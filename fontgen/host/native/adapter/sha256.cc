#include "sha256.hh"

#include <stdio.h>
#include <string.h>

namespace fontgen {

static const uint32_t K[64] = {
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static inline uint32_t rotate (uint32_t x, unsigned n) { return x >> n | x << (32 - n); }

sha256_t::sha256_t () : total (0)
{
  static const uint32_t initial[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
				      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  memcpy (state, initial, sizeof state);
}

void sha256_t::block (const uint8_t *p)
{
  uint32_t w[64];
  for (unsigned i = 0; i < 16; i++)
    w[i] = (uint32_t) p[4 * i] << 24 | (uint32_t) p[4 * i + 1] << 16 | (uint32_t) p[4 * i + 2] << 8 | p[4 * i + 3];
  for (unsigned i = 16; i < 64; i++)
    w[i] = w[i - 16] + (rotate (w[i - 15], 7) ^ rotate (w[i - 15], 18) ^ w[i - 15] >> 3) +
	   w[i - 7] + (rotate (w[i - 2], 17) ^ rotate (w[i - 2], 19) ^ w[i - 2] >> 10);
  uint32_t s[8];
  memcpy (s, state, sizeof s);
  for (unsigned i = 0; i < 64; i++)
  {
    uint32_t t1 = s[7] + (rotate (s[4], 6) ^ rotate (s[4], 11) ^ rotate (s[4], 25)) +
		  ((s[4] & s[5]) ^ (~s[4] & s[6])) + K[i] + w[i];
    uint32_t t2 = (rotate (s[0], 2) ^ rotate (s[0], 13) ^ rotate (s[0], 22)) +
		  ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
    memmove (s + 1, s, 7 * sizeof *s);
    s[4] += t1;
    s[0] = t1 + t2;
  }
  for (unsigned i = 0; i < 8; i++) state[i] += s[i];
}

void sha256_t::add (const void *data, size_t size)
{
  const uint8_t *p = (const uint8_t *) data;
  while (size)
  {
    size_t at = total % 64;
    if (!at && size >= 64) { block (p); p += 64; size -= 64; total += 64; continue; }
    size_t n = size < 64 - at ? size : 64 - at;
    memcpy (pending + at, p, n);
    p += n; size -= n; total += n;
    if (at + n == 64) block (pending);
  }
}

void sha256_t::finish (char hex[65])
{
  uint64_t bits = total * 8;
  static const uint8_t zeros[64] = {0x80};
  add (zeros, 1 + (119 - total % 64) % 64);
  uint8_t length[8];
  for (unsigned i = 0; i < 8; i++) length[i] = (uint8_t) (bits >> (56 - 8 * i));
  add (length, 8);
  for (unsigned i = 0; i < 8; i++) snprintf (hex + 8 * i, 9, "%08x", (unsigned) state[i]);
}

} /* namespace fontgen */
