// The direct form of one plane. A block of ROWS output rows and up to COLUMNS vectors stays in registers, while each image
// row that it needs is loaded once for each column of the filter and meets all the output rows that it has a tap for: loads
// of addresses that are not aligned run at half the rate of multiply-adds, so that each must serve several.

#ifndef CK_TILE
#define CK_TILE CK_PLANE_TILE  // on the stack
#define ROWS 4
// Vectors between the edges from which on only the edges are gathered; and rows of a filter that may rather meet zeros.
#define FEWEST 4
#define FEW_ROWS 7
#define COLUMNS (VECTOR_REGISTERS >= 32 ? 4 : 2)
// Bytes of an image from which on its rows are asked for ahead of time.
#define FAR (8 << 20)
#define UNROLLED _Pragma("clang loop unroll(full)")
#define CKPlane_f32 CKPlaneF32
#define CKPlane_f64 CKPlaneF64
#define meetRow OF_TYPE(meetRow)
#define meetPlane OF_TYPE(meetPlane)
#define planeBlock OF_TYPE(planeBlock)
#define gather OF_TYPE(gather)
#define insideBlock OF_TYPE(insideBlock)
#define askAhead OF_TYPE(askAhead)
#define insideRows OF_TYPE(insideRows)
#define inside3 OF_TYPE(inside3)
#define block3 OF_TYPE(block3)
#define anyRow OF_TYPE(anyRow)
#define functions OF_TYPE(functions)
#define functionsFor OF_TYPE(functionsFor)
#define clamped OF_TYPE(clamped)
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

// Writes a block of outputs: `rows` × `vectors`, the first at (`a`, `b`). `output` is where it goes, `step` from row to row.
INLINE void planeBlock(const int rows, const int vectors, const ptrdiff_t height, const ptrdiff_t width,
    const CKPlane *plane, const REAL *filter, const REAL *image, REAL bias, ptrdiff_t a, ptrdiff_t b, REAL *output,
    ptrdiff_t step) {
  ptrdiff_t top = a - plane->top, left = b - plane->left;
  ptrdiff_t tall = rows + height - 1, wide = vectors * LANES + width - 1;
  ptrdiff_t first = top < 0 ? -top : 0;
  ptrdiff_t end = plane->height - top < tall ? plane->height - top : tall;
  bool isInside = left >= 0 && left + wide <= plane->width;
  if (__builtin_constant_p(height)) isInside = isInside && first == 0 && end == tall;
  vector sums[ROWS * COLUMNS];
  UNROLLED for (int i = 0; i < rows * vectors; i++) sums[i] = broadcast(bias);
  REAL tile[CK_TILE];
  ptrdiff_t offset = isInside ? top * plane->width + left : 0;
  ptrdiff_t apart = isInside ? plane->width : (wide + 2 * LANES - 1) / LANES * LANES;
  for (ptrdiff_t c = 0; c < plane->channels; c++) {
    if (!isInside) gather(plane, image, top, left, tall, wide, tile, apart);
    const REAL *source = isInside ? image : tile;
    meetPlane(rows, vectors, height, width, filter, plane->tapStep, source, offset, apart, first, end, sums);
    filter += plane->filterStep;
    image += plane->height * plane->width;
  }
  UNROLLED for (int i = 0; i < rows; i++)
    UNROLLED for (int j = 0; j < vectors; j++) store(output + (i * step + j * LANES), sums[i * vectors + j]);
}

// The same for one channel and a block that meets no padding: its first output meets `image` by the first tap.
INLINE void insideBlock(const int rows, const int vectors, const ptrdiff_t height, const ptrdiff_t width, const REAL *filter,
    ptrdiff_t tapStep, const REAL *image, ptrdiff_t apart, REAL bias, REAL *output, ptrdiff_t step) {
  vector sums[ROWS * COLUMNS];
  UNROLLED for (int i = 0; i < rows * vectors; i++) sums[i] = broadcast(bias);
  meetPlane(rows, vectors, height, width, filter, tapStep, image, 0, apart, 0, rows + height - 1, sums);
  UNROLLED for (int i = 0; i < rows; i++)
    UNROLLED for (int j = 0; j < vectors; j++) store(output + (i * step + j * LANES), sums[i * vectors + j]);
}

// The same for a filter of 3 × 3 whose taps are spread over vectors already.
INLINE void block3(const int rows, const int vectors, const vector *taps, const REAL *image, ptrdiff_t apart, REAL bias,
    REAL *output, ptrdiff_t step) {
  vector sums[ROWS * COLUMNS];
  UNROLLED for (int i = 0; i < rows * vectors; i++) sums[i] = broadcast(bias);
  UNROLLED for (int r = 0; r < rows + 2; r++) {
    UNROLLED for (int v = 0; v < 3; v++) {
      vector pixels[COLUMNS];
      UNROLLED for (int j = 0; j < vectors; j++) pixels[j] = load(image + r * apart + v + j * LANES);
      UNROLLED for (int i = r < 2 ? 0 : r - 2; i <= (r < rows ? r : rows - 1); i++)
        UNROLLED for (int j = 0; j < vectors; j++)
          sums[i * vectors + j] = multiplyAdd(taps[(r - i) * 3 + v], pixels[j], sums[i * vectors + j]);
    }
  }
  UNROLLED for (int i = 0; i < rows; i++)
    UNROLLED for (int j = 0; j < vectors; j++) store(output + (i * step + j * LANES), sums[i * vectors + j]);
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

// Asks for what the block below the one at `image` and `output` will read and write, where planes come from memory: rows are
// too far apart there for the processor to see what follows. At 2048² and 3 × 3 that saves a quarter of the time.
INLINE void askAhead(const int rows, const int vectors, const ptrdiff_t height, const REAL *image, ptrdiff_t apart,
    const REAL *output, ptrdiff_t step) {
  UNROLLED for (int i = 0; i < rows; i++)
    UNROLLED for (int j = 0; j < vectors; j++) {
      __builtin_prefetch(image + (rows + height - 1 + i) * apart + j * LANES, 0, 2);
      __builtin_prefetch(output + (rows + i) * step + j * LANES, 1, 2);
    }
}

// Outputs of one channel that meet no padding, `tall` × `wide` of them, at least `rows` × LANES. The first meets `image` by
// the first tap; image rows are `apart`, and output rows `step`.
INLINE void insideRows(const int rows, const int vectors, const ptrdiff_t height, const ptrdiff_t width, const REAL *filter,
    ptrdiff_t tapStep, const REAL *image, ptrdiff_t apart, REAL bias, REAL *output, ptrdiff_t step, ptrdiff_t tall,
    ptrdiff_t wide) {
  const bool isFar = tall * apart * (ptrdiff_t)sizeof(REAL) > FAR;
  for (ptrdiff_t next = 0; next < tall; next += rows) {
    ptrdiff_t a = next + rows <= tall ? next : tall - rows;
    const REAL *source = image + a * apart;
    REAL *target = output + a * step;
    const bool isAsked = isFar && a + 2 * rows <= tall;
#define BLOCK(count)                                                                                     \
  {                                                                                                      \
    if (isAsked) askAhead(rows, count, height, source + b, apart, target + b, step);                     \
    insideBlock(rows, count, height, width, filter, tapStep, source + b, apart, bias, target + b, step); \
  }
    FOR_COLUMNS(b, 0, wide, vectors, BLOCK)
#undef BLOCK
  }
}

// The same for filters of 3 × 3, whose taps stay in registers from block to block.
INLINE void inside3(const int rows, const int vectors, const REAL *filter, ptrdiff_t tapStep, const REAL *image,
    ptrdiff_t apart, REAL bias, REAL *output, ptrdiff_t step, ptrdiff_t tall, ptrdiff_t wide) {
  vector taps[9];
  UNROLLED for (int t = 0; t < 9; t++) taps[t] = broadcast(filter[t * tapStep]);
  const bool isFar = tall * apart * (ptrdiff_t)sizeof(REAL) > FAR;
  for (ptrdiff_t next = 0; next < tall; next += rows) {
    ptrdiff_t a = next + rows <= tall ? next : tall - rows;
    const REAL *source = image + a * apart;
    REAL *target = output + a * step;
    const bool isAsked = isFar && a + 2 * rows <= tall;
#define BLOCK(count)                                                            \
  {                                                                             \
    if (isAsked) askAhead(rows, count, 3, source + b, apart, target + b, step); \
    block3(rows, count, taps, source + b, apart, bias, target + b, step);       \
  }
    FOR_COLUMNS(b, 0, wide, vectors, BLOCK)
#undef BLOCK
  }
}

// Any outputs of `rows` rows from `a` on, of the columns `first ..< end`, at least LANES. `output` is where the first goes.
INLINE void anyRow(const int rows, const int vectors, const ptrdiff_t height, const ptrdiff_t width, const CKPlane *plane,
    const REAL *filter, const REAL *image, REAL bias, REAL *output, ptrdiff_t step, ptrdiff_t a, ptrdiff_t first,
    ptrdiff_t end) {
#define BLOCK(count) \
  planeBlock(rows, count, height, width, plane, filter, image, bias, a, b, output + (b - first), step)
  FOR_COLUMNS(b, first, end, vectors, BLOCK)
#undef BLOCK
}

// The two functions of filters of one size, or of every size. With three rows of taps, which stay in registers, and fewer a
// narrower block is faster; five taps a row are worth a loop of their own (6 %), seven are not.
#define ANY(name, BLOCK_ROWS, VECTORS, HEIGHT, WIDTH)                                                                      \
  static __attribute__((noinline)) void OF_TYPE(name##Any)(const CKPlane *plane, const REAL *filter, const REAL *image,    \
      REAL bias, REAL *output, ptrdiff_t step, ptrdiff_t a, ptrdiff_t first, ptrdiff_t end) {                              \
    anyRow(BLOCK_ROWS, VECTORS, HEIGHT, WIDTH, plane, filter, image, bias, output, step, a, first, end);                   \
  }
#define FUNCTIONS(name, BLOCK_ROWS, VECTORS, HEIGHT, WIDTH)                                                                \
  static __attribute__((noinline)) void OF_TYPE(name##Inside)(const CKPlane *plane, const REAL *filter, const REAL *image, \
      ptrdiff_t apart, REAL bias, REAL *output, ptrdiff_t step, ptrdiff_t tall, ptrdiff_t wide) {                          \
    insideRows(BLOCK_ROWS, VECTORS, HEIGHT, WIDTH, filter, plane->tapStep, image, apart, bias, output, step, tall, wide);  \
  }                                                                                                                        \
  ANY(name, BLOCK_ROWS, VECTORS, HEIGHT, WIDTH)
FUNCTIONS(oneRow, 1, COLUMNS, plane->filterHeight, plane->filterWidth)
FUNCTIONS(height2, ROWS, 2, 2, plane->filterWidth)
FUNCTIONS(height3, ROWS, 2, 3, plane->filterWidth)
FUNCTIONS(anySize, ROWS, COLUMNS, plane->filterHeight, plane->filterWidth)
FUNCTIONS(width5, ROWS, COLUMNS, plane->filterHeight, 5)
ANY(size3, ROWS, 2, 3, 3)
static __attribute__((noinline)) void OF_TYPE(size3Inside)(const CKPlane *plane, const REAL *filter, const REAL *image,
    ptrdiff_t apart, REAL bias, REAL *output, ptrdiff_t step, ptrdiff_t tall, ptrdiff_t wide) {
  inside3(ROWS, 2, filter, plane->tapStep, image, apart, bias, output, step, tall, wide);
}
#undef FUNCTIONS
#undef ANY

typedef struct functions {
  int rows;  // of a block
  void (*inside)(const CKPlane *plane, const REAL *filter, const REAL *image, ptrdiff_t apart, REAL bias, REAL *output,
      ptrdiff_t step, ptrdiff_t tall, ptrdiff_t wide);
  void (*any)(const CKPlane *plane, const REAL *filter, const REAL *image, REAL bias, REAL *output, ptrdiff_t step,
      ptrdiff_t a, ptrdiff_t first, ptrdiff_t end);
} functions;

INLINE functions functionsFor(const CKPlane *plane, ptrdiff_t rows) {
#define FUNCTIONS(name, BLOCK_ROWS) (functions){BLOCK_ROWS, OF_TYPE(name##Inside), OF_TYPE(name##Any)}
  if (rows < ROWS || plane->filterHeight < 2) return FUNCTIONS(oneRow, 1);
  if (plane->filterHeight == 2) return FUNCTIONS(height2, ROWS);
  if (plane->filterHeight > 3) return plane->filterWidth == 5 ? FUNCTIONS(width5, ROWS) : FUNCTIONS(anySize, ROWS);
  return plane->filterWidth == 3 ? FUNCTIONS(size3, ROWS) : FUNCTIONS(height3, ROWS);
#undef FUNCTIONS
}

// The outputs of the rows `a ..< endRow` and the columns `b ..< endColumn`, wherever they are; `output` is where row 0
// begins.
static void OF_TYPE(anyOutputs)(functions with, const CKPlane *plane, const REAL *filter, const REAL *image, REAL bias,
    REAL *output, ptrdiff_t a, ptrdiff_t endRow, ptrdiff_t b, ptrdiff_t endColumn) {
  if (a >= endRow || b >= endColumn) return;
  if (endRow - a < with.rows) with = functionsFor(plane, endRow - a);
  ptrdiff_t step = plane->outputWidth;
  for (; a < endRow; a += with.rows) {
    if (a + with.rows > endRow) a = endRow - with.rows;
    REAL *to = output + (a * step + b);
    if (endColumn - b >= LANES) {
      with.any(plane, filter, image, bias, to, step, a, b, endColumn);
    } else {
      // Outputs behind the row are computed too, and left.
      REAL tile[ROWS * LANES];
      with.any(plane, filter, image, bias, tile, LANES, a, b, b + LANES);
      for (int i = 0; i < with.rows; i++)
        for (ptrdiff_t j = 0; j < endColumn - b; j++) to[i * step + j] = tile[i * LANES + j];
    }
  }
}

// One channel, from a copy with its padding around it: as many outputs at once as fit into a tile. There are at least as
// many rows as a block has.
static void OF_TYPE(gatheredOutputs)(functions with, const CKPlane *plane, const REAL *filter, const REAL *image, REAL bias,
    REAL *output, ptrdiff_t a, ptrdiff_t endRow, ptrdiff_t b, ptrdiff_t endColumn) {
  REAL tile[CK_TILE];
  ptrdiff_t most = CK_TILE / (plane->filterHeight - 1 + with.rows) - (plane->filterWidth - 1 + 2 * LANES);
  for (ptrdiff_t right; b < endColumn; b = right) {
    right = endColumn - b > most ? b + most : endColumn;
    // What is left is at least a vector.
    if (right < endColumn && endColumn - right < LANES) right -= LANES;
    ptrdiff_t made = right - b < LANES ? LANES : right - b, wide = made + plane->filterWidth - 1;
    ptrdiff_t apart = (wide + 2 * LANES - 1) / LANES * LANES;
    ptrdiff_t tall = CK_TILE / apart - (plane->filterHeight - 1);
    for (ptrdiff_t row = a; row < endRow; row += tall) {
      ptrdiff_t rows = endRow - row < tall ? endRow - row : tall;
      if (rows < with.rows) row = endRow - with.rows, rows = with.rows;
      gather(plane, image, row - plane->top, b - plane->left, rows + plane->filterHeight - 1, wide, tile, apart);
      REAL *to = output + (row * plane->outputWidth + b);
      if (made == right - b) {
        with.inside(plane, filter, tile, apart, bias, to, plane->outputWidth, rows, made);
      } else {
        // Outputs behind the row are computed too, and left.
        REAL block[ROWS * LANES];
        for (ptrdiff_t i = 0; i < rows; i += with.rows) {
          ptrdiff_t at = i + with.rows <= rows ? i : rows - with.rows;
          with.inside(plane, filter, tile + at * apart, apart, bias, block, LANES, with.rows, LANES);
          for (int r = 0; r < with.rows; r++)
            for (ptrdiff_t j = 0; j < right - b; j++) to[(at + r) * plane->outputWidth + j] = block[r * LANES + j];
        }
      }
    }
  }
}

INLINE ptrdiff_t clamped(ptrdiff_t value, ptrdiff_t lower, ptrdiff_t upper) {
  return value < lower ? lower : value > upper ? upper : value;
}

static void NAMED(ck_plane_rows)(const CKPlane *plane, const REAL *filter, const REAL *image, REAL bias, REAL *output,
    ptrdiff_t first, ptrdiff_t end) {
  functions with = functionsFor(plane, end - first);
  // The part that meets no padding; the columns beside it are a whole number of vectors, since no fewer are computed.
  ptrdiff_t top = clamped(plane->top, first, end);
  ptrdiff_t bottom = clamped(plane->height - plane->filterHeight + 1 + plane->top, top, end);
  ptrdiff_t right = plane->width - plane->filterWidth + 1 + plane->left;
  ptrdiff_t outside = right < plane->outputWidth ? plane->outputWidth - right : 0;
  ptrdiff_t from = (plane->left + LANES - 1) / LANES * LANES;
  ptrdiff_t to = plane->outputWidth - (outside + LANES - 1) / LANES * LANES;
  if (plane->channels > 1) {
    OF_TYPE(anyOutputs)(with, plane, filter, image, bias, output, first, end, 0, plane->outputWidth);
    return;
  }
  // Where little would be left between the edges, all is gathered.
  if (to - from < LANES || (to - from < FEWEST * LANES && to - from < plane->outputWidth)) {
    if (bottom - top >= with.rows && plane->filterHeight > FEW_ROWS) {
      OF_TYPE(anyOutputs)(with, plane, filter, image, bias, output, first, top, 0, plane->outputWidth);
      OF_TYPE(gatheredOutputs)(with, plane, filter, image, bias, output, top, bottom, 0, plane->outputWidth);
      OF_TYPE(anyOutputs)(with, plane, filter, image, bias, output, bottom, end, 0, plane->outputWidth);
    } else {
      OF_TYPE(gatheredOutputs)(with, plane, filter, image, bias, output, first, end, 0, plane->outputWidth);
    }
    return;
  }
  if (bottom - top < with.rows) {
    OF_TYPE(anyOutputs)(with, plane, filter, image, bias, output, first, end, 0, plane->outputWidth);
    return;
  }
  OF_TYPE(anyOutputs)(with, plane, filter, image, bias, output, first, top, 0, plane->outputWidth);
  OF_TYPE(gatheredOutputs)(with, plane, filter, image, bias, output, top, bottom, 0, from);
  const REAL *source = image + ((top - plane->top) * plane->width + (from - plane->left));
  REAL *target = output + (top * plane->outputWidth + from);
  with.inside(plane, filter, source, plane->width, bias, target, plane->outputWidth, bottom - top, to - from);
  OF_TYPE(gatheredOutputs)(with, plane, filter, image, bias, output, top, bottom, to, plane->outputWidth);
  OF_TYPE(anyOutputs)(with, plane, filter, image, bias, output, bottom, end, 0, plane->outputWidth);
}
