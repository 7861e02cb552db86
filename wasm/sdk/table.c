#include "table.h"

#include "table_preamble.h"

struct blob copy_table(hb_font_t font, uint32_t tag) {
    struct blob blob = {0};
    if (!face_copy_table(font_get_face(font), tag, &blob)) blob.length = 0;
    return blob;
}

#ifdef __OPTIMIZE_SIZE__
#define AT_A_TIME 1
#else
#define AT_A_TIME 16
#endif

/* Adler-32, RFC 1950: 5552, a multiple of 16, is the most bytes whose sums cannot overflow 32 bits. Sixteen bytes at a
 * time where speed counts, since one at a time each has to wait for the one before it. */
static uint32_t adler32(const uint8_t *bytes, uint32_t n) {
    uint32_t a = 1, b = 0;
    while (n) {
        uint32_t run = n < 5552 ? n : 5552;
        n -= run;
        for (; run >= AT_A_TIME; run -= AT_A_TIME, bytes += AT_A_TIME) {
            uint32_t sum = 0, weighted = 0;
            for (uint32_t i = 0; i < AT_A_TIME; i++) {
                sum += bytes[i];
                weighted += (AT_A_TIME - i) * bytes[i];
            }
            b += AT_A_TIME * a + weighted;
            a += sum;
        }
        for (; run; run--) {
            a += *bytes++;
            b += a;
        }
        a %= 65521;
        b %= 65521;
    }
    return b << 16 | a;
}

uint32_t table_version(const void *table, uint32_t length, uint32_t tag) {
    const struct table_preamble *preamble = table;
    if (!table || length < sizeof *preamble) return 0;
    uint32_t magic = (uint32_t)preamble->magic[0] << 24 | preamble->magic[1] << 16 | preamble->magic[2] << 8 |
                     preamble->magic[3];
    if (magic != tag || preamble->length != length) return 0;
    uint32_t checksum = adler32((const uint8_t *)table + TABLE_CHECKED_FROM, length - TABLE_CHECKED_FROM);
    return checksum == preamble->checksum ? preamble->version : 0;
}

bool table_is_intact(const void *table, uint32_t length, uint32_t tag, uint32_t header_size) {
    return length >= header_size && table_version(table, length, tag) == 1;
}
