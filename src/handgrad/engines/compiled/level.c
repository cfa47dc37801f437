/* The highest level of x86-64 that this processor and its system run; 0 on other processors. */
#if defined(__x86_64__)
#include <cpuid.h>

/* What compilers before GCC 12 cannot be asked for by the name of a level. */
static int has_rest_of_v3(void) {
    unsigned a, b, c, d;
    const unsigned f16c = 1u << 29, movbe = 1u << 22, lzcnt = 1u << 5;
    if (!__get_cpuid(1, &a, &b, &c, &d) || (~c & (f16c | movbe))) return 0;
    return __get_cpuid(0x80000001, &a, &b, &c, &d) && (c & lzcnt);
}

#define HAS __builtin_cpu_supports

int handgrad_level(void) {
    __builtin_cpu_init();
    if (!HAS("ssse3") || !HAS("sse4.2") || !HAS("popcnt")) return 0;
    if (!HAS("avx2") || !HAS("fma") || !HAS("bmi") || !HAS("bmi2") || !has_rest_of_v3()) return 2;
    if (!HAS("avx512f") || !HAS("avx512bw") || !HAS("avx512cd")) return 3;
    return HAS("avx512dq") && HAS("avx512vl") ? 4 : 3;
}
#else
int handgrad_level(void) { return 0; }
#endif
