/* SPDX-License-Identifier: Apache-2.0 */
/* An audio object of the Tympan Library that listens with the model.
 *
 *     AudioModel_F32 listener;                         connect one channel to it
 *     setup():  listener.begin();
 *     loop():   if (listener.service()) { use(listener.value(0)); }
 *
 * The audio interrupt (update) copies samples into a buffer, no more; the decimator and the model
 * run in the main loop (service).  The buffer holds TYMPAN_BUFFER_SAMPLES: who calls service() less
 * often than those take to arrive loses samples, which lost() counts.
 */
#ifndef MODEL_TYMPAN_H
#define MODEL_TYMPAN_H

#include <AudioStream_F32.h>

#include "model_resampled.h"

/* Of the audio that the Tympan runs on: 24000, 32000, 44100 or 48000 Hz. */
#define TYMPAN_RATE_HZ 24000
#define TYMPAN_BUFFER_SAMPLES 4096u
/* Seconds of audio behind a result. */
#define TYMPAN_CLIP_SECONDS 3u

class AudioModel_F32 : public AudioStream_F32 {
  public:
    AudioModel_F32() : AudioStream_F32(1, inputs_) {
    }

    /* Begins to listen; false where the model's weights are damaged. */
    bool begin() {
        return start_rate<TYMPAN_RATE_HZ>() == MODEL_OK;
    }

    /* Pushes what has arrived; true when a clip has ended and there is a new result. */
    bool service() {
        bool ready = false;
        while (read_ != written_) {
            const uint32_t at = read_ % TYMPAN_BUFFER_SAMPLES;
            uint32_t count = written_ - read_;
            count = min(count, TYMPAN_BUFFER_SAMPLES - at);
            count = min(count, TYMPAN_CLIP_SECONDS * TYMPAN_RATE_HZ - heard_);
            (void)model_resampled_push_f32(&model_, buffer_ + at, count);
            read_ = read_ + count;
            heard_ += count;
            if (heard_ == TYMPAN_CLIP_SECONDS * TYMPAN_RATE_HZ) {
                ready = end_clip();
            }
        }
        return ready;
    }

    /* Value `index` of the last result. */
    float value(uint32_t index) const {
        return index < MODEL_OUTPUT_ELEMENTS ? values_[index] : 0.0F;
    }

    /* Samples that found no room. */
    uint32_t lost() const {
        return lost_;
    }

    /* The audio interrupt. */
    void update() override {
        audio_block_f32_t *block = receiveReadOnly_f32(0);
        if (block == nullptr) {
            return;
        }
        for (int i = 0; i < block->length; i++) {
            if (written_ - read_ == TYMPAN_BUFFER_SAMPLES) {
                lost_ = lost_ + 1u;
            } else {
                buffer_[written_ % TYMPAN_BUFFER_SAMPLES] = block->data[i];
                written_ = written_ + 1u;
            }
        }
        AudioStream_F32::release(block);
    }

  private:
    template <int rate> int start_rate() {
        static_assert(rate == 24000 || rate == 32000 || rate == 44100 || rate == 48000,
                      "TYMPAN_RATE_HZ must be 24000, 32000, 44100 or 48000");
        switch (rate) {
        case 24000:
            return model_resampled_init_24000(&model_);
        case 32000:
            return model_resampled_init_32000(&model_);
        case 44100:
            return model_resampled_init_44100(&model_);
        default:
            return model_resampled_init_48000(&model_);
        }
    }

    bool end_clip() {
        const bool ended = model_resampled_finish(&model_) == MODEL_OK;
        if (ended) {
            const auto *q = static_cast<const int8_t *>(model_output(&model_.audio.model, 0));
            for (uint32_t i = 0; i < MODEL_OUTPUT_ELEMENTS; i++) {
                values_[i] = model_dequantize(q[i]);
            }
        }
        model_resampled_reset(&model_);
        heard_ = 0;
        return ended;
    }

    audio_block_f32_t *inputs_[1] = {nullptr};
    model_resampled model_;
    float buffer_[TYMPAN_BUFFER_SAMPLES];
    volatile uint32_t written_ = 0, read_ = 0, lost_ = 0;
    uint32_t heard_ = 0;
    float values_[MODEL_OUTPUT_ELEMENTS] = {};
};

#endif
