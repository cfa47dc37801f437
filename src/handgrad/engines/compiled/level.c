/* The highest level of x86-64 that this processor and its system run; 0 on other processors. */
#if defined(__x86_64__)
#include <cpuid.h>

/* Asked of the processor itself: not every compiler brings what __builtin_cpu_supports asks. */
static int has(unsigned found, unsigned wanted) { return (found & wanted) == wanted; }

/* The registers that the system keeps when it turns to another process. */
static unsigned kept(void) {
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

int handgrad_level(void) {
    unsigned a, b, c, d, features, more, lzcnt;
    const unsigned v2 = bit_SSSE3 | bit_SSE4_2 | bit_POPCNT;
    const unsigned v3 = bit_OSXSAVE | bit_AVX | bit_FMA | bit_F16C | bit_MOVBE;
    const unsigned v3_more = bit_AVX2 | bit_BMI | bit_BMI2;
    const unsigned v4 = bit_AVX512F | bit_AVX512BW | bit_AVX512CD | bit_AVX512DQ | bit_AVX512VL;
    if (!__get_cpuid(1, &a, &b, &features, &d) || !has(features, v2)) return 0;
    if (!__get_cpuid_count(7, 0, &a, &more, &c, &d)) return 2;
    if (!__get_cpuid(0x80000001, &a, &b, &lzcnt, &d)) return 2;
    if (!has(features, v3) || !has(more, v3_more) || !has(lzcnt, 1u << 5)) return 2;
    if (!has(kept(), 0x06)) return 2; /* XMM, YMM */
    return has(more, v4) && has(kept(), 0xe6) ? 4 : 3; /* and masks, ZMM */
}
#else
int handgrad_level(void) { return 0; }
#endif
