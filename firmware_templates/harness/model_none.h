/* SPDX-License-Identifier: Apache-2.0 */
/* A streamed model that does nothing with its frames: what is left of a firmware is the features.
 */
#ifndef MODEL_H
#define MODEL_H

#include "features.h"

#define MODEL_STREAM 1
#define MODEL_OK 0
#define MODEL_OUTPUTS 1u
#define MODEL_FRAME_BYTES FEATURES_ROW_VALUES

typedef struct model {
    uint32_t frames;
} model;

static const uint32_t model_output_bytes[MODEL_OUTPUTS] = {sizeof(uint32_t)};

static inline int model_init(model *m) {
    m->frames = 0;
    return MODEL_OK;
}

static inline void model_push_frame(model *m, const int8_t *frame) {
    (void)frame;
    m->frames++;
}

static inline int model_finish(model *m) {
    (void)m;
    return MODEL_OK;
}

static inline const void *model_output(const model *m, uint32_t index) {
    (void)index;
    return &m->frames;
}

#endif
