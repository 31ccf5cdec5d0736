// Feeds int16 samples from stdin to a model, as another type and in blocks of random sizes, twice,
// and writes its outputs: at the end of the clip, or of a continuous model every one.
//
// usage: audio_driver RATE_HZ TYPE SEED
// (rate 0: the model's own; type s16, q31, f32 or steps; seed 0: in one block)
#include "network_audio.h"
#include "network_resampled.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <type_traits>
#include <vector>

static std::uint32_t state;

static std::uint32_t random_below(std::uint32_t bound) {
    state = state * 1664525u + 1013904223u;
    return static_cast<std::uint32_t>((std::uint64_t{state} * bound) >> 32);
}

// Any value that is nearest to the sample.
template <typename Sample> static Sample as(std::int16_t sample) {
    const auto off = static_cast<std::int32_t>(random_below(65535u)) - 32767;
    if constexpr (std::is_same_v<Sample, std::int32_t>) {
        return sample == INT16_MIN ? INT32_MIN : sample * 65536 + off;
    } else if constexpr (std::is_same_v<Sample, float>) {
        return (static_cast<float>(sample) + 0.49f * static_cast<float>(off) / 32767.0f) / 32768.0f;
    } else {
        return sample;
    }
}

#ifdef NETWORK_CONTINUOUS
#define SAMPLES(type) const type **
#define COUNT std::size_t *
#else
#define SAMPLES(type) const type *
#define COUNT std::size_t
#endif

// The functions of one way in, by the type of samples.
struct Own {
    network_audio a;
    int init(int) {
        return network_audio_init(&a);
    }
    void reset() {
        network_audio_reset(&a);
    }
    int push(SAMPLES(std::int16_t) s, COUNT n) {
        return network_push_audio(&a, s, n);
    }
    int push(SAMPLES(std::int32_t) s, COUNT n) {
        return network_push_audio_q31(&a, s, n);
    }
    int push(SAMPLES(float) s, COUNT n) {
        return network_push_audio_f32(&a, s, n);
    }
#ifndef NETWORK_CONTINUOUS
    int finish() {
        return network_audio_finish(&a);
    }
#endif
    const network &model() const {
        return a.model;
    }
};

struct Resampled {
    network_resampled r;
    int init(int rate_hz) {
        return rate_hz == 48000   ? network_resampled_init_48000(&r)
               : rate_hz == 44100 ? network_resampled_init_44100(&r)
               : rate_hz == 32000 ? network_resampled_init_32000(&r)
                                  : network_resampled_init_24000(&r);
    }
    void reset() {
        network_resampled_reset(&r);
    }
    int push(SAMPLES(std::int16_t) s, COUNT n) {
        return network_resampled_push_s16(&r, s, n);
    }
    int push(SAMPLES(std::int32_t) s, COUNT n) {
        return network_resampled_push_q31(&r, s, n);
    }
    int push(SAMPLES(float) s, COUNT n) {
        return network_resampled_push_f32(&r, s, n);
    }
#ifndef NETWORK_CONTINUOUS
    int finish() {
        return network_resampled_finish(&r);
    }
#endif
    const network &model() const {
        return r.audio.model;
    }
};

static void write_outputs(const network &m) {
    for (std::uint32_t output = 0; output < NETWORK_OUTPUTS; output++) {
        std::fwrite(network_output(&m, output), 1, network_output_bytes[output], stdout);
    }
}

// In pieces: samples up to a frame, then every step of it.
#ifdef NETWORK_STREAM
static int run_steps(const std::vector<std::int16_t> &heard, std::uint32_t seed) {
    static network_audio a;
    std::size_t steps = 0;
    state = seed;
    if (network_audio_init(&a) != NETWORK_OK) {
        return 3;
    }
    for (int clip = 0; clip < 2; clip++) {
        const std::int16_t *next = heard.data();
        for (const std::int16_t *const end = next + heard.size(); next != end;) {
            const std::size_t left = static_cast<std::size_t>(end - next);
            std::size_t count = std::min(left, std::size_t{1} + random_below(700u));
            const std::int16_t *const before = next;
            if (network_put_audio(&a, &next, &count) != NETWORK_OK || next == before) {
                return 8;
            }
            if (a.model.waiting && (count = static_cast<std::size_t>(end - next),
                                    network_put_audio(&a, &next, &count) != NETWORK_BUSY)) {
                return 8;
            }
            int step = network_step(&a.model);
            for (; step == 1; step = network_step(&a.model)) {
                steps++;
            }
#ifdef NETWORK_CONTINUOUS
            if (step == NETWORK_NEW_OUTPUT) {
                write_outputs(a.model);
            }
#endif
        }
#ifndef NETWORK_CONTINUOUS
        std::size_t one = 1;
        next = heard.data();
        if (network_audio_finish(&a) != NETWORK_OK ||
            network_put_audio(&a, &next, &one) != NETWORK_ENDED || one != 1) {
            return 9;
        }
        write_outputs(a.model);
#endif
        network_audio_reset(&a);
    }
    return steps > heard.size() / NETWORK_HOP_SAMPLES ? 0 : 10;
}
#else
static int run_steps(const std::vector<std::int16_t> &, std::uint32_t) {
    return 2;
}
#endif

template <typename Way, typename Sample>
static int run(const std::vector<std::int16_t> &heard, int rate_hz, std::uint32_t seed) {
    static Way way;
    std::vector<Sample> samples;
    for (const std::int16_t sample : heard) {
        samples.push_back(as<Sample>(sample));
    }
    state = seed;
    if (way.init(rate_hz) != NETWORK_OK) {
        return 3;
    }
    for (int clip = 0; clip < 2; clip++) {
        const Sample *next = samples.data();
        for (std::size_t left = samples.size(), count; left > 0; left -= count) {
            count = seed == 0 ? left : 1 + random_below(700u);
            count = count < left ? count : left;
            const Sample *end = next + count;
#ifdef NETWORK_CONTINUOUS
            for (std::size_t rest = count; way.push(&next, &rest) != 0;) {
                write_outputs(way.model());
                if (next + rest != end) {
                    return 4;
                }
            }
            if (next != end) {
                return 5;
            }
#else
            if (way.push(next, count) != NETWORK_OK) {
                return 6;
            }
            next = end;
#endif
        }
#ifndef NETWORK_CONTINUOUS
        if (way.finish() != NETWORK_OK || way.finish() != NETWORK_OK ||
            way.push(samples.data(), 1) != NETWORK_ENDED) {
            return 7;
        }
        write_outputs(way.model());
#endif
        way.reset();
    }
    return 0;
}

template <typename Way>
static int run(const std::vector<std::int16_t> &heard, const char *type, int rate_hz,
               std::uint32_t seed) {
    return std::strcmp(type, "s16") == 0   ? run<Way, std::int16_t>(heard, rate_hz, seed)
           : std::strcmp(type, "q31") == 0 ? run<Way, std::int32_t>(heard, rate_hz, seed)
                                           : run<Way, float>(heard, rate_hz, seed);
}

int main(int argc, char **argv) {
    if (argc != 4) {
        return 2;
    }
    std::vector<std::int16_t> heard(1u << 20);
    heard.resize(std::fread(heard.data(), sizeof heard[0], heard.size(), stdin));
    const int rate_hz = std::atoi(argv[1]);
    const auto seed = static_cast<std::uint32_t>(std::atoi(argv[3]));
    if (std::strcmp(argv[2], "steps") == 0) {
        return run_steps(heard, seed);
    }
    return rate_hz == 0 ? run<Own>(heard, argv[2], 0, seed)
                        : run<Resampled>(heard, argv[2], rate_hz, seed);
}
