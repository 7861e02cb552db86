/* A picture in a line of text: shapes of the font's own, at places of their own, where some typed characters stood.
 *
 * A font that shows pictures implements picture_trigger and picture_draw(). picture.c does the rest: the text around a
 * picture is shaped by OpenType; the picture takes the place and the cluster of the first character that it replaces;
 * every further one shows nothing and keeps its cluster, so that a caret and the delete key work as in any text. */
#ifndef PICTURE_H
#define PICTURE_H

#include "features.h"
#include "picture_table.h"
#include "scan.h"
#include "text.h"

/* Places are in hundredths of a cell, from the left end of the baseline, y upwards. A cell is as large as the font says:
 * as wide as its character BLANK. */
#define CELL 100

/* The private characters BLANK, LETTERS and SHAPES are in picture_table.h, the names of the shapes in shapes.h: both are
 * written for each build. */

struct picture {
    struct text *items;             /* characters, with their places in var1 and var2 */
    uint32_t cluster;
    int32_t width;                  /* the room that the picture takes in its line: to be set */
    uint32_t n_steps;               /* that picture_step() can tell apart: to be set where there are some */
    const struct feature *features; /* of the shape call */
    uint32_t n_features;
};

/* Puts a shape with its origin at (x, y); later ones cover earlier ones. */
void picture_put(struct picture *picture, uint32_t shape, int32_t x, int32_t y);

/* Writes ASCII in small letters, from (x, y) to the right, each as wide as it is. */
void picture_write(struct picture *picture, const char *text, int32_t x, int32_t y);

/* Goes on where the last picture_write() ended, or begins there if its text was empty. */
void picture_write_on(struct picture *picture, const char *text);
void picture_write_character(struct picture *picture, uint32_t character);
void picture_write_number(struct picture *picture, uint32_t number);

/* The value of an OpenType feature where the picture stands, or `otherwise` where nobody set it. */
uint32_t picture_feature(const struct picture *picture, uint32_t tag, uint32_t otherwise);

/* How many steps of a game are to be shown, or UINT32_MAX: all. It is the feature STEP, which makes a replay of a slider. */
uint32_t picture_step(const struct picture *picture);

/* ---- To be written by the font's author ---- */

/* The word that pictures begin with, in small letters; `[picture] trigger` may put another in its place. */
extern const char picture_trigger[];

/* Draws the picture of the text behind a trigger and moves `text` behind what belongs to it. False: there is no picture,
 * the trigger is text as any. */
bool picture_draw(struct picture *picture, struct scan *text);

#endif
