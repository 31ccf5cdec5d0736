#include "model.h"

#include "kernels/tk_tiny.h"

const uint32_t model_input_bytes[MODEL_INPUTS] = {32};
const uint32_t model_output_bytes[MODEL_OUTPUTS] = {8, 4};

int model_init(model *m) {
    (void)m;
    return MODEL_OK;
}

void *model_input(model *m, uint32_t index) {
    (void)index;
    return m->arena;
}

const void *model_output(const model *m, uint32_t index) {
    return m->arena + (index == 0 ? 32 : 48);
}

void model_invoke(model *m) {
    const int8_t *input = (const int8_t *)m->arena;
    tk_tiny_dense(input, 32, (int8_t *)(m->arena + 32), 8);
    const int32_t ratio = tk_tiny_ratio(input, 32);
    __builtin_memcpy(m->arena + 48, &ratio, sizeof ratio);
}
