// The gradient of a plane's filter: for each tap the sum of outputs times the pixels that the tap brought to them. A tile of
// taps keeps a vector of running sums each, while rows of outputs and of the image go by: each vector that is loaded serves
// all taps of a row or a column of the tile. Included behind PlaneStencil.h.

#ifndef dotTile
// Taps of a tile along each axis.
#define TAPS (VECTOR_REGISTERS >= 32 ? 4 : 3)
// Image rows that go by at once.
#define AT_ONCE (VECTOR_REGISTERS >= 32 ? 4 : 2)
// Rows of a column that stand side by side at once.
#define COLUMN_ROWS 128
#define dotTile OF_TYPE(dotTile)
#define dotRows OF_TYPE(dotRows)
#define dotColumn OF_TYPE(dotColumn)
#define lanesFrom OF_TYPE(lanesFrom)
#endif

// A mask of the lanes from `first` on.
INLINE lanes lanesFrom(ptrdiff_t first) {
  static const __typeof__(((lanes){})[0]) table[2 * VECTOR_BYTES / sizeof(REAL)] = {
    [VECTOR_BYTES / sizeof(REAL) ... 2 * VECTOR_BYTES / sizeof(REAL) - 1] = -1,
  };
  lanes mask;
  __builtin_memcpy(&mask, table + (LANES - first), sizeof mask);
  return mask;
}

// Adds to `tall` × `wide` vectors of sums the products of `rows` image rows and the rows of outputs that they meet, in
// `count` columns, at least LANES. Row `i` of the image meets row `i − u` of the outputs by row `u` of the tile, and column
// `b + v` column `b` by column `v`.
INLINE void dotRows(const int rows, const int tall, const int wide, const REAL *outputs, ptrdiff_t outputStep,
    const REAL *image, ptrdiff_t imageStep, ptrdiff_t count, vector *sums) {
  for (ptrdiff_t b = 0; b < count; b += LANES) {
    // The last vector begins earlier, and what was there already is left out of it, on both sides: zero times infinity is
    // NaN.
    ptrdiff_t again = b + LANES > count ? b + LANES - count : 0;
    b -= again;
    vector g[TAPS + AT_ONCE];
    UNROLLED for (int i = 0; i < rows + tall - 1; i++) g[i] = load(outputs + (i - tall + 1) * outputStep + b);
    if (__builtin_expect(again, 0)) {
      lanes mask = lanesFrom(again);
      UNROLLED for (int i = 0; i < rows + tall - 1; i++) g[i] = masked(g[i], mask);
      UNROLLED for (int i = 0; i < rows; i++)
        UNROLLED for (int v = 0; v < wide; v++) {
          vector pixels = masked(load(image + i * imageStep + b + v), mask);
          UNROLLED for (int u = 0; u < tall; u++)
            sums[u * wide + v] = multiplyAdd(g[i - u + tall - 1], pixels, sums[u * wide + v]);
        }
      return;
    }
    UNROLLED for (int i = 0; i < rows; i++)
      UNROLLED for (int v = 0; v < wide; v++) {
        vector pixels = load(image + i * imageStep + b + v);
        UNROLLED for (int u = 0; u < tall; u++)
          sums[u * wide + v] = multiplyAdd(g[i - u + tall - 1], pixels, sums[u * wide + v]);
      }
  }
}

// Adds the products of the column `b` of the outputs with the pixels that the taps of a tile, from (`u0`, `v0`) on, bring to it:
// for the columns where some of them fall beside the image. Vectors run down the rows here, over copies of the columns in `g` and
// `x`, whose numbers behind a copy are read too.
INLINE void dotColumn(const int tall, const int wide, const CKPlane *plane, const REAL *outputs, const REAL *image,
    ptrdiff_t u0, ptrdiff_t v0, ptrdiff_t b, REAL *g, REAL *x, vector *sums) {
  const ptrdiff_t height = plane->height, width = plane->width, outputWidth = plane->outputWidth;
  // The output row `a` meets the row `a + u + down` of the image by row `u` of the tile.
  const ptrdiff_t down = u0 - plane->top;
  for (ptrdiff_t first = 0; first < plane->outputHeight; first += COLUMN_ROWS) {
    const ptrdiff_t end = plane->outputHeight - first < COLUMN_ROWS ? plane->outputHeight : first + COLUMN_ROWS;
    for (ptrdiff_t a = first; a < end; a++) g[a - first] = outputs[a * outputWidth + b];
    for (int v = 0; v < wide; v++) {
      const ptrdiff_t column = b + v0 + v - plane->left;
      if (column < 0 || column >= width) continue;
      const ptrdiff_t highest = first + down, lowest = end + down + tall - 1;
      for (ptrdiff_t r = highest < 0 ? 0 : highest; r < (lowest < height ? lowest : height); r++)
        x[r - highest] = image[r * width + column];
      UNROLLED for (int u = 0; u < tall; u++) {
        const ptrdiff_t from = -down - u > first ? -down - u : first, to = height - down - u < end ? height - down - u : end;
        for (ptrdiff_t a = from; a < to; a += LANES) {
          vector outs = load(g + (a - first)), pixels = load(x + (a - first + u));
          if (to - a < LANES) {
            // What stands behind is left out on both sides: zero times infinity is NaN.
            lanes mask = ~lanesFrom(to - a);
            outs = masked(outs, mask), pixels = masked(pixels, mask);
          }
          sums[u * wide + v] = multiplyAdd(outs, pixels, sums[u * wide + v]);
        }
      }
    }
  }
}

// One tile of taps, from (`u0`, `v0`) on.
INLINE void dotTile(const int tall, const int wide, const CKPlane *plane, const REAL *outputs, const REAL *image,
    REAL *gradient, ptrdiff_t u0, ptrdiff_t v0) {
  const ptrdiff_t outputWidth = plane->outputWidth, width = plane->width;
  vector sums[TAPS * TAPS] = {};
  // The columns of the outputs where all taps of the tile stand on the image.
  ptrdiff_t lower = plane->left > v0 ? plane->left - v0 : 0;
  ptrdiff_t upper = width + plane->left - (v0 + wide - 1);
  if (upper > outputWidth) upper = outputWidth;
  if (upper - lower < LANES) lower = upper = outputWidth;
  const ptrdiff_t count = upper - lower, shift = v0 - plane->left;
  // Row `r` of the image meets row `r + top − u` of the outputs.
  const ptrdiff_t top = plane->top - u0;
  for (ptrdiff_t r = 0, rows; count > 0 && r < plane->height; r += rows) {
    const ptrdiff_t a = r + top;
    const REAL *g = outputs + a * outputWidth + lower, *x = image + r * width + lower + shift;
    const bool meetsAll = a - tall + 1 >= 0 && a < plane->outputHeight;
    rows = meetsAll && a + AT_ONCE <= plane->outputHeight && r + AT_ONCE <= plane->height ? AT_ONCE : 1;
    if (rows > 1) {
      dotRows(AT_ONCE, tall, wide, g, outputWidth, x, width, count, sums);
    } else if (meetsAll) {
      dotRows(1, tall, wide, g, outputWidth, x, width, count, sums);
    } else {
      for (int u = 0; u < tall; u++)
        if (a - u >= 0 && a - u < plane->outputHeight)
          dotRows(1, 1, wide, g - u * outputWidth, outputWidth, x, width, count, sums + u * wide);
    }
  }
  REAL columns[2][COLUMN_ROWS + TAPS + LANES] = {};
  for (ptrdiff_t b = lower > 0 ? 0 : upper; b < outputWidth; b = b + 1 == lower ? upper : b + 1)
    dotColumn(tall, wide, plane, outputs, image, u0, v0, b, columns[0], columns[1], sums);
  for (int u = 0; u < tall; u++)
    for (int v = 0; v < wide; v++) {
      REAL sum = 0;
      for (int lane = 0; lane < LANES; lane++) sum += sums[u * wide + v][lane];
      gradient[(u0 + u) * plane->filterWidth + v0 + v] += sum;
    }
}

#define TILE(tall, wide)                                                                                                    \
  static __attribute__((noinline)) void OF_TYPE(dotTile##tall##wide)(const CKPlane *plane, const REAL *outputs,             \
      const REAL *image, REAL *gradient, ptrdiff_t u, ptrdiff_t v) {                                                        \
    dotTile(tall, wide, plane, outputs, image, gradient, u, v);                                                             \
  }
#define TILES(tall) TILE(tall, 1) TILE(tall, 2) TILE(tall, 3)
TILES(1) TILES(2) TILES(3)
#if VECTOR_REGISTERS >= 32
TILES(4) TILE(1, 4) TILE(2, 4) TILE(3, 4) TILE(4, 4)
#endif
#undef TILES
#undef TILE

static void NAMED(ck_plane_dots)(const CKPlane *plane, const REAL *outputs, const REAL *image, REAL *gradient) {
  typedef void (*Tile)(const CKPlane *, const REAL *, const REAL *, REAL *, ptrdiff_t, ptrdiff_t);
#if VECTOR_REGISTERS >= 32
#define TILES(tall) \
  {OF_TYPE(dotTile##tall##1), OF_TYPE(dotTile##tall##2), OF_TYPE(dotTile##tall##3), OF_TYPE(dotTile##tall##4)}
  static const Tile tiles[TAPS][TAPS] = {TILES(1), TILES(2), TILES(3), TILES(4)};
#else
#define TILES(tall) {OF_TYPE(dotTile##tall##1), OF_TYPE(dotTile##tall##2), OF_TYPE(dotTile##tall##3)}
  static const Tile tiles[TAPS][TAPS] = {TILES(1), TILES(2), TILES(3)};
#endif
#undef TILES
  for (ptrdiff_t u = 0; u < plane->filterHeight;) {
    ptrdiff_t tall = plane->filterHeight - u < TAPS ? plane->filterHeight - u : TAPS;
    for (ptrdiff_t v = 0; v < plane->filterWidth;) {
      ptrdiff_t wide = plane->filterWidth - v < TAPS ? plane->filterWidth - v : TAPS;
      tiles[tall - 1][wide - 1](plane, outputs, image, gradient, u, v);
      v += wide;
    }
    u += tall;
  }
}
