// Times Intel IPP's filters from C: a call through ctypes takes longer than a small convolution. `peers.py` compiles it.
#include <ipp.h>
#include <stdlib.h>
#include <time.h>

typedef struct Filter {
  int is_double, is_convolution;
  IppiSize image, taps, output;
  const void *pixels, *weights;
  void *result;
  IppiFilterBorderSpec *spec;
  Ipp8u *scratch;
} Filter;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static IppStatus apply(const Filter *it) {
  const int size = it->is_double ? 8 : 4;
  const int step = it->image.width * size, out_step = it->output.width * size;
  if (it->is_convolution)
    return ippiConv_32f_C1R(it->pixels, step, it->image, it->weights, it->taps.width * size, it->taps, it->result, out_step,
                            ippAlgAuto | ippiROIValid | ippiNormNone, it->scratch);
  // The anchor is the filter's middle, and all taps stand within the image.
  const char *first = (const char *)it->pixels + (it->taps.height / 2) * step + (it->taps.width / 2) * size;
  if (it->is_double)
    return ippiFilterBorder_64f_C1R((const Ipp64f *)first, step, it->result, out_step, it->output, ippBorderInMem, NULL,
                                    it->spec, it->scratch);
  return ippiFilterBorder_32f_C1R((const Ipp32f *)first, step, it->result, out_step, it->output, ippBorderInMem, NULL,
                                  it->spec, it->scratch);
}

// A filter without padding over pixels, weights and a result that outlive it; NULL where IPP refuses it.
Filter *filter_new(int is_double, int is_convolution, int height, int width, int taps_height, int taps_width,
                   const void *pixels, const void *weights, void *result) {
  Filter *it = calloc(1, sizeof *it);
  *it = (Filter){.is_double = is_double, .is_convolution = is_convolution, .image = {width, height},
                 .taps = {taps_width, taps_height}, .output = {width - taps_width + 1, height - taps_height + 1},
                 .pixels = pixels, .weights = weights, .result = result};
  ippInit();
  int spec_size = 0, scratch_size = 0;
  const IppDataType type = is_double ? ipp64f : ipp32f;
  IppStatus status;
  if (is_convolution) {
    status = ippiConvGetBufferSize(it->image, it->taps, type, 1, ippAlgAuto | ippiROIValid | ippiNormNone, &scratch_size);
  } else {
    status = ippiFilterBorderGetSize(it->taps, it->output, type, type, 1, &spec_size, &scratch_size);
    it->spec = (IppiFilterBorderSpec *)ippsMalloc_8u(spec_size);
    if (status == ippStsNoErr)
      status = is_double ? ippiFilterBorderInit_64f(weights, it->taps, type, 1, ippRndNear, it->spec)
                         : ippiFilterBorderInit_32f(weights, it->taps, type, 1, ippRndNear, it->spec);
  }
  it->scratch = ippsMalloc_8u(scratch_size + 64);
  return status == ippStsNoErr && apply(it) == ippStsNoErr ? it : NULL;
}

// Applies it for `seconds`, `together` times between two looks at the clock; writes seconds an application, at most `room` of
// them, and returns how many.
int filter_time(const Filter *it, double seconds, int together, double *times, int room) {
  const double start = now();
  int count = 0;
  do {
    const double lap = now();
    for (int turn = 0; turn < together; turn++) apply(it);
    times[count++] = (now() - lap) / together;
  } while (count < room && now() - start < seconds);
  return count;
}

const char *filter_library(void) { return ippGetLibVersion()->Version; }
