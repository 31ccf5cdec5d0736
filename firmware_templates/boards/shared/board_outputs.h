/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BOARD_OUTPUTS_H
#define BOARD_OUTPUTS_H

#include "board_model.h"

/* Copies all outputs of a model that has ended into board_results. */
void board_outputs_take(const model *m);
/* Prints them as real values, by their labels where there are some. */
void board_outputs_print(void);

#endif
