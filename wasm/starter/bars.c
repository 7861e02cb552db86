/* A font that shows numbers behind an equals sign as bars: "=7" is a bar of seven cells. */
#include "picture.h"
#include "shapes.h"

const char picture_trigger[] = "=";

bool picture_draw(struct picture *picture, struct scan *text) {
    uint32_t n;
    if (!scan_number(text, 1, 99, &n)) return false;
    for (uint32_t i = 0; i < n; i++) picture_put(picture, i % 10 == 9 ? SHAPE_TENTH : SHAPE_BLOCK, (int32_t)i * CELL, 0);
    picture_write(picture, "", (int32_t)n * CELL + CELL / 4, 0);
    picture_write_number(picture, n);
    picture->width = (int32_t)n * CELL + 2 * CELL;
    return true;
}
