/* How much a call may compute: a program waits for it, and may call again. */
#ifndef BUDGET_H
#define BUDGET_H

#include "model_table.h"
#include "settings_table.h"

/* Positions of the context that one shape call may compute: what the settings say, or else what takes about 100 ms. The
 * first call of an instance may be the only one, where a program shapes each text once or makes an instance for each;
 * by default it may show a whole story. */
uint32_t budget_of_call(const struct settings *settings, const struct model *model, bool is_first);

#endif
