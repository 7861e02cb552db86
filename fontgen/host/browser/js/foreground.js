// The colour of the text, in images: the worker that makes them does not know it, and it changes with the page's style.

const FOREGROUND = "fontgen-foreground";

/** What makes the colour of the text the `currentColor` of an image. */
export const FOREGROUND_ATTRIBUTE = `color="${FOREGROUND}"`;

/** Whether glyphs look different in another colour. */
export const hasForeground = (svg) => svg.includes(FOREGROUND);

/**
 * Puts the colour in its place, in SVG whose images are data: URLs.
 * @param {string} svg
 * @param {string} colour as CSS has it
 */
export const withForeground = (svg, colour) => svg.replaceAll(FOREGROUND, encodeURIComponent(colour));
