#include "mapped_pages.hh"

#ifdef __linux__
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

namespace fontgen {

/* MADV_DONTNEED would turn anonymous memory, or a private page that was written to, into zeros: so the whole range has
 * to be one mapping of a file (its inode says so) that nobody may write to. */
static bool is_read_only_file (uintptr_t start, uintptr_t end)
{
  FILE *maps = fopen ("/proc/self/maps", "re");
  if (!maps) return false;
  bool found = false;
  char line[512];
  while (!found && fgets (line, sizeof line, maps))
  {
    unsigned long low, high, offset, inode;
    char rights[8], device[16];
    if (sscanf (line, "%lx-%lx %7s %lx %15s %lu", &low, &high, rights, &offset, device, &inode) == 6 &&
	low <= start && end <= high)
    {
      found = inode && !strchr (rights, 'w');
      break;
    }
    while (!strchr (line, '\n') && fgets (line, sizeof line, maps)) {}	/* a path longer than the line */
  }
  fclose (maps);
  return found;
}

void drop_mapped_pages (const void *data, size_t size)
{
  uintptr_t page = (uintptr_t) sysconf (_SC_PAGESIZE);
  uintptr_t start = ((uintptr_t) data + page - 1) / page * page;
  uintptr_t end = ((uintptr_t) data + size) / page * page;
  if (start < end && is_read_only_file (start, end)) madvise ((void *) start, end - start, MADV_DONTNEED);
}

} /* namespace fontgen */

#else

namespace fontgen {
void drop_mapped_pages (const void *, size_t) {}
} /* namespace fontgen */

#endif
