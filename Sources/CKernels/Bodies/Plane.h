// What the forms of one plane have in common. A block of ROWS output rows and up to COLUMNS vectors stays in registers, while
// each image row that it needs is loaded once for each column of the filter and meets all the output rows that it has a tap
// for: loads of addresses that are not aligned run at half the rate of multiply-adds, so that each must serve several.

#ifndef CK_TILE
#define CK_TILE CK_PLANE_TILE  // on the stack
#define ROWS 4
#define COLUMNS (VECTOR_REGISTERS >= 32 ? 4 : 2)
// Bytes of an image times the rows of the filter from which on rows are asked for ahead of time: the more sums a pixel goes into,
// the less that costs beside them.
#define FAR (16 << 20)
#define UNROLLED _Pragma("clang loop unroll(full)")
#define CKPlane_f32 CKPlaneF32
#define CKPlane_f64 CKPlaneF64
#define meetRow OF_TYPE(meetRow)
#define meetPlane OF_TYPE(meetPlane)
#define gather OF_TYPE(gather)
#endif

// Adds the products of one image row to the output rows `lowest … highest` of a block. `taps` is the filter row by which it
// meets row `lowest`; the rows behind meet it by the filter rows before.
INLINE void meetRow(const int vectors, const int lowest, const int highest, const ptrdiff_t width, const REAL *row,
    const REAL *taps, ptrdiff_t tapStep, vector *sums) {
  for (ptrdiff_t v = 0; v < width; v++, taps += tapStep) {
    vector pixels[COLUMNS];
    UNROLLED for (int j = 0; j < vectors; j++) pixels[j] = load(row + v + j * LANES);
    UNROLLED for (int i = lowest; i <= highest; i++) {
      vector tap = broadcast(taps[-(i - lowest) * width * tapStep]);
      UNROLLED for (int j = 0; j < vectors; j++)
        sums[i * vectors + j] = multiplyAdd(tap, pixels[j], sums[i * vectors + j]);
    }
  }
}

// Adds the products of one channel to a block of `rows` output rows, whose first output meets `image[offset]` by the first
// tap. Only the image rows `first ..< end` of the `rows + height − 1` that the block meets are there; the others are zeros.
INLINE void meetPlane(const int rows, const int vectors, const ptrdiff_t height, const ptrdiff_t width, const REAL *filter,
    ptrdiff_t tapStep, const REAL *image, ptrdiff_t offset, ptrdiff_t step, ptrdiff_t first, ptrdiff_t end, vector *sums) {
  const ptrdiff_t rowStep = width * tapStep;
  if (__builtin_constant_p(height)) {
    UNROLLED for (int r = 0; r < rows + height - 1; r++) {
      int lowest = r < height ? 0 : r - (int)height + 1;
      int highest = r < rows ? r : rows - 1;
      meetRow(vectors, lowest, highest, width, image + (offset + r * step), filter + (r - lowest) * rowStep, tapStep, sums);
    }
    return;
  }
  // A filter of at least as many rows as the block: first each image row meets one output row more, then all, then fewer.
  UNROLLED for (int r = 0; r < rows - 1; r++)
    if (r >= first && r < end)
      meetRow(vectors, 0, r, width, image + (offset + r * step), filter + r * rowStep, tapStep, sums);
  ptrdiff_t last = height < end ? height : end;
  for (ptrdiff_t r = first > rows - 1 ? first : rows - 1; r < last; r++)
    meetRow(vectors, 0, rows - 1, width, image + (offset + r * step), filter + r * rowStep, tapStep, sums);
  UNROLLED for (int i = 1; i < rows; i++) {
    ptrdiff_t r = height - 1 + i;
    if (r >= first && r < end)
      meetRow(vectors, i, rows - 1, width, image + (offset + r * step), filter + (height - 1) * rowStep, tapStep, sums);
  }
}

// Copies the pixels that a block meets into `tile`, with zeros where there is no image: `rows` rows of `count` pixels from
// (`top`, `left`) on, `step` apart in the tile, which has room for one vector behind each.
static __attribute__((noinline)) void gather(const CKPlane *plane, const REAL *image, ptrdiff_t top, ptrdiff_t left,
    ptrdiff_t rows, ptrdiff_t count, REAL *tile, ptrdiff_t step) {
  ptrdiff_t before = left < 0 ? (-left < count ? -left : count) : 0;
  ptrdiff_t there = plane->width - (left + before);
  if (there > count - before) there = count - before;
  if (there < 0) there = 0;
  for (ptrdiff_t r = 0; r < rows; r++, tile += step) {
    ptrdiff_t at = 0;
    if (top + r >= 0 && top + r < plane->height) {
      const REAL *row = image + ((top + r) * plane->width + left + before);
      for (; at < before; at += LANES) store(tile + at, (vector){});
      REAL *to = tile + before;
      ptrdiff_t i = 0;
      for (; i + LANES <= there; i += LANES) store(to + i, load(row + i));
      if (there >= LANES) {
        if (i < there) store(to + there - LANES, load(row + there - LANES));
      } else {
        for (; i < there; i++) to[i] = row[i];
      }
      at = before + there;
    }
    for (; at < count; at += LANES) store(tile + at, (vector){});
  }
}

// Runs `block(count)`, `count` being constant and at most `vectors`, for the columns `b …` until all of `first ..< end` are
// done. Where the last block would not be full it begins earlier, so that there must be a vector of columns: an output that
// is written twice is the same both times.
#define FOR_COLUMNS(b, first, end, vectors, block)                       \
  for (ptrdiff_t b = (first); b < (end);) {                              \
    ptrdiff_t count_ = ((end) - b + LANES - 1) / LANES;                  \
    if (count_ > (vectors)) count_ = (vectors);                          \
    if (b + count_ * LANES > (end)) {                                    \
      if ((end) - count_ * LANES >= (first)) b = (end) - count_ * LANES; \
      else count_--;                                                     \
    }                                                                    \
    if (count_ == (vectors)) { block(vectors); }                         \
    else if (count_ == 1) { block(1); }                                  \
    else if ((vectors) > 3 && count_ == 3) { block(3); }                 \
    else if ((vectors) > 2) { block(2); }                                \
    b += count_ * LANES;                                                 \
  }
