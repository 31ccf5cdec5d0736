/* A hand-written stand-in for a generated model: 32 int8 in, 8 int8 and one int32 out. */
#ifndef MODEL_H
#define MODEL_H

#include <stdint.h>

#define MODEL_INPUTS 1
#define MODEL_OUTPUTS 2
#define MODEL_ARENA_BYTES 96u

extern const uint32_t model_input_bytes[MODEL_INPUTS];
extern const uint32_t model_output_bytes[MODEL_OUTPUTS];

typedef struct model {
    uint8_t arena[MODEL_ARENA_BYTES];
} __attribute__((aligned(16))) model;

#define MODEL_OK 0

int model_init(model *m);
void *model_input(model *m, uint32_t index);
const void *model_output(const model *m, uint32_t index);
void model_invoke(model *m);

#endif
