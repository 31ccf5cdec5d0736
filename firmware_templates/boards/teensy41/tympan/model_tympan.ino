/* SPDX-License-Identifier: Apache-2.0 */
/* Tympan: the microphones through to the headphones, and beside that the model's values on the serial
 * port, once a clip.
 *
 * Arduino: put the folder of the library (src, kernels and include as one library) and this sketch
 * where the IDE looks, choose Teensy 4.1, press Upload.
 */
#include <Tympan.h>
#include <input_i2s_F32.h>
#include <output_i2s_F32.h>

#include "model_tympan.h"

const int block_samples = 64;
AudioSettings_F32 settings((float)TYMPAN_RATE_HZ, block_samples);

Tympan tympan(TympanRev::F, settings); /* or D, E */
AudioInputI2S_F32 microphones(settings);
AudioModel_F32 listener;
AudioOutputI2S_F32 headphones(settings); /* last: the least latency */

AudioConnection_F32 left(microphones, 0, headphones, 0);
AudioConnection_F32 right(microphones, 1, headphones, 1);
AudioConnection_F32 heard(microphones, 0, listener, 0);

void setup() {
    Serial.begin(115200);
    AudioMemory_F32(16, settings);
    tympan.enable();
    tympan.inputSelect(TYMPAN_INPUT_ON_BOARD_MIC);
    tympan.setInputGain_dB(15.0F);
    tympan.volume_dB(0.0F);
    if (!listener.begin()) {
        Serial.println("the model's weights are damaged");
    }
}

void loop() {
    if (listener.service()) {
        for (uint32_t i = 0; i < MODEL_OUTPUT_ELEMENTS; i++) {
            Serial.print(listener.value(i), 3);
            Serial.print(' ');
        }
        Serial.print("lost ");
        Serial.println(listener.lost());
    }
}
