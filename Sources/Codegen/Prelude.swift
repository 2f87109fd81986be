import IR
import Operators

/// The C functions that every generated text begins with.
///
/// Accuracy against the exact function, measured over the whole f32 range by the tests: exponential, logarithm and
/// hyperbolicTangent 2 ulp, sigmoid, errorFunction and smoothedStep 4 ulp, smoothedStepSlope 6 ulp. Denormal operands and
/// results count as zero.
///
/// smoothedStep and its slope have the root s and the quotient q in common, which compilers share. The former corrects n q by
/// what it lacks of n / d, so that it is 1 where s rounds to x, the latter 1 / s by a step of Newton's.
enum Prelude {
  static let text: String = types + scalars + exponentials + vectors + integers

  private static let types = """
    typedef float v16 __attribute__((vector_size(64), aligned(4), may_alias));
    typedef int m16 __attribute__((vector_size(64), aligned(4), may_alias));
    typedef unsigned char b16 __attribute__((vector_size(16), aligned(1), may_alias));
    #define INLINE static inline __attribute__((always_inline, unused))
    void *memset(void *, int, unsigned long);
    float powf(float, float); float sinf(float); float cosf(float);
    double pow(double, double); double sin(double); double cos(double);
    double exp(double); double log(double); double tanh(double); double erf(double);
    INLINE v16 v_load(const float *p) { return *(const v16 *)p; }
    INLINE void v_store(float *p, v16 x) { *(v16 *)p = x; }
    #if defined(__clang__) && defined(__x86_64__)
    typedef float l16 __attribute__((vector_size(64), aligned(64), may_alias));
    INLINE void v_stream(float *p, v16 x) { __builtin_nontemporal_store((l16)x, (l16 *)p); }
    INLINE void v_fence(void) { __builtin_ia32_sfence(); }
    #else
    INLINE void v_stream(float *p, v16 x) { v_store(p, x); }
    INLINE void v_fence(void) {}
    #endif
    INLINE v16 v_splat(float x) { return x - (v16){0}; }
    INLINE m16 m_splat(int x) { return (m16){0} - (x != 0); }
    INLINE v16 v_select(m16 c, v16 a, v16 b) { return (v16)((c & (m16)a) | (~c & (m16)b)); }
    INLINE m16 m_choose(m16 c, m16 a, m16 b) { return (c & a) | (~c & b); }
    INLINE m16 b_load(const unsigned char *p) { return __builtin_convertvector(*(const b16 *)p, m16); }
    INLINE void b_store(unsigned char *p, m16 x) { *(b16 *)p = __builtin_convertvector(x, b16); }
    INLINE m16 m_load(const unsigned char *p) { return m_splat(0) - b_load(p); }
    INLINE void m_store(unsigned char *p, m16 x) { b_store(p, x & 1); }
    INLINE long clamp(long x, long end) { return x < 0 ? 0 : x < end ? x : end - 1; }
    INLINE m16 m_first(m16 x, int count) {
      const m16 lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
      return (lane < count) & x;
    }
    INLINE v16 v_first(v16 x, int count) { return (v16)m_first((m16)x, count); }
    INLINE void v_store_first(float *p, v16 x, int count) { for (int l = 0; l < count; l++) p[l] = x[l]; }
    INLINE void m_store_first(unsigned char *p, m16 x, int count) { for (int l = 0; l < count; l++) p[l] = x[l] & 1; }
    INLINE long floor_divide(long a, long b) { return a >= 0 ? a / b : -((b - 1 - a) / b); }
    INLINE long modulo(long a, long b) { long r = a % b; return r < 0 ? r + b : r; }

    """

  /// Templates over the scalar type: P prefix, T type, F suffix of built-in functions.
  private static let scalars: String =
    scalars(prefix: "s_", type: "float", suffix: "f") + scalars(prefix: "d_", type: "double", suffix: "")

  private static func scalars(prefix: String, type: String, suffix: String) -> String {
    let template: String = """
      INLINE T P_absolute(T x) { return __builtin_fabsF(x); }
      INLINE T P_sign(T x) { return x > 0 ? (T)1 : x < 0 ? (T)-1 : x; }
      INLINE T P_step(T x) { return x > 0 ? (T)1 : (T)0; }
      INLINE T P_relu(T x) { return x <= 0 ? (T)0 : x; }
      INLINE T P_squareRoot(T x) { return __builtin_sqrtF(x); }
      INLINE T P_smoothedStep(T x) {
        T a = __builtin_fabsF(x), b = a > (T)1e18 ? (T)1e18 : a, v = b * b + (T)TAU, s = __builtin_sqrtF(v);
        T d = x < 0 ? v + s * b : s, q = 1 / d, n = x < 0 ? (T)TAU : b, h = n * q;
        return h + (n - h * d) * q;
      }
      INLINE T P_smoothedStepSlope(T x) {
        T a = __builtin_fabsF(x), b = a > (T)1e18 ? (T)1e18 : a, v = b * b + (T)TAU, s = __builtin_sqrtF(v);
        T d = x < 0 ? v + s * b : s, q = 1 / d, r = x < 0 ? q * (s + b) : q;
        r = r + (T)0.5 * r * (1 - v * r * r);
        return (T)TAU * r * r * r;
      }
      INLINE T P_floor(T x) { return __builtin_floorF(x); }
      INLINE T P_ceiling(T x) { return __builtin_ceilF(x); }
      INLINE T P_roundHalfEven(T x) { return __builtin_rintF(x); }
      INLINE T P_maximum(T x, T y) { return (x >= y || x != x) ? x : y; }
      INLINE T P_minimum(T x, T y) { return (x <= y || x != x) ? x : y; }
      INLINE T P_leakyRelu(T x, T slope) { return x > 0 ? x : slope * x; }
      INLINE T P_clip(T x, T low, T high) { return x < low ? low : x > high ? high : x; }
      INLINE T P_power(T x, T y) { return powF(x, y); }
      INLINE T P_sine(T x) { return sinF(x); }
      INLINE T P_cosine(T x) { return cosF(x); }

      """
    return template.replacing("P_", with: prefix).replacing("T ", with: "\(type) ").replacing("(T)", with: "(\(type))")
      .replacing("F(", with: "\(suffix)(").replacing("TAU", with: "\(ScalarFunction.smoothing)")
  }

  /// exp: n = round(x / ln 2), polynomial on [-ln 2 / 2, ln 2 / 2], scaled by 2^n in two steps. log, tanh and erf after
  /// Cephes (Moshier, single precision): mantissa polynomial; odd polynomial below 0.625; odd polynomial below 1, else
  /// through erfc.
  private static let exponentials = """
    INLINE float s_power_of_two(int n) { union { int i; float f; } u; u.i = (n + 127) << 23; return u.f; }
    INLINE float s_exponential(float x) {
      float y = x < -110.0f ? -110.0f : x > 100.0f ? 100.0f : x;
      float n = __builtin_rintf(y * 1.44269504088896341f);
      float r = (y - n * 0.693145751953125f) - n * 1.42860682030941723212e-6f;
      float p = 1.9841270114e-4f;
      p = p * r + 1.3888889225e-3f; p = p * r + 8.3333337680e-3f; p = p * r + 4.1666667908e-2f;
      p = p * r + 1.6666667163e-1f; p = p * r + 0.5f; p = p * r * r + r + 1.0f;
      int k = n == n ? (int)n : 0, half = k >> 1;
      return p * s_power_of_two(half) * s_power_of_two(k - half);
    }
    INLINE float s_logarithm(float x) {
      union { float f; int i; } u; u.f = x;
      int e = (u.i >> 23) - 126;
      u.i = (u.i & 0x007fffff) | 0x3f000000;
      float m = u.f;
      int low = m < 0.707106781186547524f;
      e -= low; m = (low ? m + m : m) - 1.0f;
      float z = m * m, p = 7.0376836292e-2f;
      p = p * m - 1.1514610310e-1f; p = p * m + 1.1676998740e-1f; p = p * m - 1.2420140846e-1f;
      p = p * m + 1.4249322787e-1f; p = p * m - 1.6668057665e-1f; p = p * m + 2.0000714765e-1f;
      p = p * m - 2.4999993993e-1f; p = p * m + 3.3333331174e-1f;
      p = p * m * z + -2.12194440e-4f * (float)e - 0.5f * z;
      float y = m + p + 0.693359375f * (float)e;
      float special = x < 0.0f ? __builtin_nanf("") : x < 1.17549435e-38f ? -__builtin_inff() : x;
      return (x >= 1.17549435e-38f && x <= 3.40282347e38f) ? y : special;
    }
    INLINE float s_sigmoid(float x) { return 1.0f / (1.0f + s_exponential(-x)); }
    INLINE float s_hyperbolicTangent(float x) {
      float z = x * x, p = -5.70498872745e-3f;
      p = p * z + 2.06390887954e-2f; p = p * z - 5.37397155531e-2f; p = p * z + 1.33314422036e-1f;
      p = p * z - 3.33332819422e-1f;
      float a = __builtin_fabsf(x), e = s_exponential(a + a), large = 1.0f - 2.0f / (e + 1.0f);
      return a < 0.625f ? p * z * x + x : x < 0.0f ? -large : x != x ? x : large;
    }
    INLINE float s_errorFunction(float x) {
      float z = x * x, p = 7.853861353153693e-5f;
      p = p * z - 8.010193625184903e-4f; p = p * z + 5.188327685732524e-3f; p = p * z - 2.685381193529856e-2f;
      p = p * z + 1.128358514861418e-1f; p = p * z - 3.761262582423300e-1f; p = p * z + 1.128379165726710e0f;
      float a = __builtin_fabsf(x), q = 1.0f / (a < 1.0f ? 1.0f : a), y = q * q;
      float r = 2.326819970068386e-2f, s = -1.047766399936249e1f;
      r = r * y - 1.387039388740657e-1f; r = r * y + 3.687424674597105e-1f; r = r * y - 5.824733027278666e-1f;
      r = r * y + 6.210004621745983e-1f; r = r * y - 4.944515323274145e-1f; r = r * y + 3.404879937665872e-1f;
      r = r * y - 2.741127028184656e-1f; r = r * y + 5.638259427386472e-1f;
      s = s * y + 1.297719955372516e1f; s = s * y - 7.495518717768503e0f; s = s * y + 2.921019019210786e0f;
      s = s * y - 1.015265279202700e0f; s = s * y + 4.218463358204948e-1f; s = s * y - 2.820767439740514e-1f;
      s = s * y + 5.641895067754075e-1f;
      float tail = 1.0f - s_exponential(-z) * q * (a < 2.0f ? r : s);
      return a < 1.0f ? p * x : x < 0.0f ? -tail : x != x ? x : tail;
    }
    INLINE double d_exponential(double x) { return exp(x); }
    INLINE double d_logarithm(double x) { return log(x); }
    INLINE double d_hyperbolicTangent(double x) { return tanh(x); }
    INLINE double d_errorFunction(double x) { return erf(x); }
    INLINE double d_sigmoid(double x) { return x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x)); }

    """

  /// Vector forms: lane by lane from the scalar ones, which have no branches and therefore vectorise. The lanes are elements
  /// of arrays, since compilers vectorise no loop over the elements of a vector.
  private static let vectors: String = {
    let unary: [ScalarFunction] = [
      .absolute, .sign, .squareRoot, .floor, .ceiling, .roundHalfEven, .exponential, .logarithm, .sigmoid,
      .hyperbolicTangent,
      .errorFunction, .sine, .cosine, .smoothedStep, .smoothedStepSlope,
    ]
    let lanewise = unary.map { function in
      "INLINE v16 v_\(function.rawValue)(v16 x) "
        + "{ float a[16], b[16]; v_store(a, x); "
        + "for (int l = 0; l < 16; l++) b[l] = s_\(function.rawValue)(a[l]); return v_load(b); }\n"
    }
    return lanewise.joined() + """
      INLINE v16 v_power(v16 x, v16 y) { v16 z; for (int l = 0; l < 16; l++) z[l] = powf(x[l], y[l]); return z; }
      INLINE v16 v_relu(v16 x) { return (v16)(~(x <= 0.0f) & (m16)x); }
      INLINE v16 v_step(v16 x) { return (v16)((x > 0.0f) & (m16)v_splat(1.0f)); }
      INLINE v16 v_maximum(v16 x, v16 y) { return v_select((x >= y) | (x != x), x, y); }
      INLINE v16 v_minimum(v16 x, v16 y) { return v_select((x <= y) | (x != x), x, y); }
      INLINE v16 v_leakyRelu(v16 x, v16 slope) { return v_select(x > 0.0f, x, slope * x); }
      INLINE v16 v_clip(v16 x, v16 low, v16 high) { return v_select(x < low, low, v_select(x > high, high, x)); }

      """
  }()

  private static let integers = """
    INLINE long i_divide(long x, long y) { return y == 0 ? 0 : y == -1 ? (long)(0UL - (unsigned long)x) : x / y; }
    INLINE long i_absolute(long x) { return x < 0 ? -x : x; }
    INLINE long i_sign(long x) { return (x > 0) - (x < 0); }
    INLINE long i_maximum(long x, long y) { return x > y ? x : y; }
    INLINE long i_minimum(long x, long y) { return x < y ? x : y; }
    INLINE long i_clip(long x, long low, long high) { return x < low ? low : x > high ? high : x; }

    """
}
