/* Gives memory back that a guest has a copy of: the pages of a font file that the program has mapped. */
#ifndef FONTGEN_MAPPED_PAGES_HH
#define FONTGEN_MAPPED_PAGES_HH

#include <stddef.h>

namespace fontgen {

/* Unmaps the pages that lie wholly within the range, if they are a file's and read-only: they come back from the file
 * whenever somebody reads them again. Anything else stays untouched. Only on Linux. */
void drop_mapped_pages (const void *start, size_t size);

} /* namespace fontgen */

#endif
