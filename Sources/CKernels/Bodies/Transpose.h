// Matrices turned, square by square.

#ifndef TRANSPOSE
#define TRANSPOSE
#define UNROLLED _Pragma("clang loop unroll(full)")
#define side OF_TYPE(side)
#define exchange OF_TYPE(exchange)
#define turnSquare OF_TYPE(turnSquare)
#define transpose OF_TYPE(transpose)
// A square's side is a vector of at most 32 bytes: in wider ones too little stays within what a shuffle reaches cheaply.
#define SIDE_BYTES (VECTOR_BYTES < 32 ? VECTOR_BYTES : 32)
#define SIDE ((ptrdiff_t)(SIDE_BYTES / sizeof(REAL)))
// Each two rows `distance` apart become what `first` and `last` name of the numbers of both, one after the other.
#define EXCHANGE(distance, first, last) \
  UNROLLED for (int i = 0; i < SIDE; i++) { \
    if (i & (distance)) continue; \
    const side upper = rows[i], lower = rows[i + (distance)]; \
    rows[i] = __builtin_shufflevector(upper, lower, first); \
    rows[i + (distance)] = __builtin_shufflevector(upper, lower, last); \
  }
// Sixteen bytes at a time: numbers in turn, then pairs of them; the halves of 32 bytes last. Numbers of four bytes come out with
// the inner rows of each four exchanged.
#define IN_TURN_8 0, 8, 1, 9, 4, 12, 5, 13
#define LAST_IN_TURN_8 2, 10, 3, 11, 6, 14, 7, 15
#define PAIRS_8 0, 1, 8, 9, 4, 5, 12, 13
#define LAST_PAIRS_8 2, 3, 10, 11, 6, 7, 14, 15
#define HALVES_8 0, 1, 2, 3, 8, 9, 10, 11
#define LAST_HALVES_8 4, 5, 6, 7, 12, 13, 14, 15
#define IN_TURN_4 0, 4, 1, 5
#define LAST_IN_TURN_4 2, 6, 3, 7
#define HALVES_4 0, 1, 4, 5
#define LAST_HALVES_4 2, 3, 6, 7
#define WIDE_IN_TURN_4 0, 4, 2, 6
#define LAST_WIDE_IN_TURN_4 1, 5, 3, 7
#define TURN_f32_64 TURN_f32_32
#define TURN_f32_32 \
  EXCHANGE(1, IN_TURN_8, LAST_IN_TURN_8) EXCHANGE(2, PAIRS_8, LAST_PAIRS_8) EXCHANGE(4, HALVES_8, LAST_HALVES_8)
#define TURN_f32_16 EXCHANGE(1, IN_TURN_4, LAST_IN_TURN_4) EXCHANGE(2, HALVES_4, LAST_HALVES_4)
#define TURN_f64_64 TURN_f64_32
#define TURN_f64_32 EXCHANGE(1, WIDE_IN_TURN_4, LAST_WIDE_IN_TURN_4) EXCHANGE(2, HALVES_4, LAST_HALVES_4)
#define TURN_f64_16 EXCHANGE(1, WIDE_IN_TURN_2, LAST_WIDE_IN_TURN_2)
#define WIDE_IN_TURN_2 0, 2
#define LAST_WIDE_IN_TURN_2 1, 3
#endif

typedef REAL side __attribute__((vector_size(SIDE_BYTES)));

// Rows of a square, `step` apart, to its columns.
INLINE void turnSquare(const REAL *from, ptrdiff_t step, side *columns) {
  side rows[SIDE];
  UNROLLED for (int i = 0; i < SIDE; i++) __builtin_memcpy(rows + i, from + i * step, sizeof(side));
  PASTE3(TURN, TYPE, VECTOR_BYTES)
  UNROLLED for (int i = 0; i < SIDE; i++) {
    const int isInner = sizeof(REAL) == 4 && (i % 4 == 1 || i % 4 == 2);
    columns[i] = rows[isInner ? i ^ 3 : i];
  }
}

// Writes a matrix of `rows × columns`, whose rows stand `step` apart, to where its columns stand `targetStep` apart; or adds it
// to what stands there.
INLINE void transpose(const int adds, const REAL *from, ptrdiff_t step, ptrdiff_t rows, ptrdiff_t columns, REAL *to,
    ptrdiff_t targetStep) {
  const ptrdiff_t wholeRows = rows / SIDE * SIDE, wholeColumns = columns / SIDE * SIDE;
  // What is written goes on where it ended: its lines are seldom near.
  for (ptrdiff_t j = 0; j < wholeColumns; j += SIDE) {
    for (ptrdiff_t i = 0; i < wholeRows; i += SIDE) {
      side square[SIDE];
      turnSquare(from + i * step + j, step, square);
      UNROLLED for (int r = 0; r < SIDE; r++) {
        REAL *target = to + (j + r) * targetStep + i;
        if (adds) {
          side there;
          __builtin_memcpy(&there, target, sizeof there);
          square[r] += there;
        }
        __builtin_memcpy(target, square + r, sizeof(side));
      }
    }
  }
  for (ptrdiff_t j = 0; j < columns; j++) {
    const REAL *column = from + j;
    REAL *target = to + j * targetStep;
    for (ptrdiff_t i = j < wholeColumns ? wholeRows : 0; i < rows; i++)
      target[i] = adds ? target[i] + column[i * step] : column[i * step];
  }
}
