import Buffers
import Convolution

/// The rows or the columns of the image and of the output, as they lie in the rows and columns of a matrix.
///
/// A matrix `T[k,a,b; c,i,j]` is that of a convolution with strides `s` and `t` exactly if `T[k,a,b; c,i,j]` depends on
/// `i − a·s` and `j − b·t` alone. Positions of one such class lie on a lattice without holes, so that it is enough to
/// compare neighbours, `(a, i)` with `(a+1, i+s)` while `b` and `j` stay, and the same for the columns: the two strides
/// are found apart from each other.
struct MatrixAxis {
  /// Pixels of the image.
  let extent: Int
  /// Outputs.
  let outputs: Int
  /// Matrix columns from one pixel to the next.
  let columnUnit: Int
  /// Matrix rows from one output to the next.
  let rowUnit: Int

  /// The pixel of a matrix column.
  @inline(__always)
  func pixel(_ column: Int32) -> Int {
    Int(UInt32(truncatingIfNeeded: column) / UInt32(columnUnit) % UInt32(extent))
  }

  /// The output of a matrix row.
  @inline(__always)
  func output(_ row: Int) -> Int { Int(UInt32(row) / UInt32(rowUnit) % UInt32(outputs)) }

  /// The outputs that read the pixels of the class `key`, which read pixel `key + output · stride`.
  func outputs(of key: Int, stride: Int) -> Range<Int> {
    let first = key >= 0 ? 0 : (-key + stride - 1) / stride
    let last = extent - 1 - key
    let end = last < 0 ? 0 : min(outputs, last / stride + 1)
    return first..<max(first, end)
  }
}

/// How the entries of neighbouring outputs agree under a stride.
struct Agreement {
  /// Pairs of which at least one is not zero and both agree.
  var matches = 0
  /// Pairs that don't agree.
  var mismatches = 0

  var score: Int { matches - mismatches }
}

/// Comparisons that may still be made.
struct Budget {
  let limit: Int
  private var left: Int

  init(_ limit: Int) {
    self.limit = limit
    left = limit
  }

  mutating func spend(_ steps: Int) throws(RecognitionError) {
    left -= steps
    if left < 0 { throw .tooMuchWork(limit: limit) }
  }
}

extension MatrixAxis {
  /// Compares all pairs of neighbours under `stride`; two values agree where they differ by at most `slack`.
  ///
  /// - Parameter floor: The scan ends as soon as the score can't be above it any more; nil ends it at the first mismatch.
  func agreement(
    _ matrix: borrowing SparseMatrix<Double>, stride: Int, slack: Double, above floor: Int?,
    _ budget: inout Budget
  ) throws(RecognitionError) -> Agreement {
    var agreement = Agreement()
    let pointers = matrix.rowPointers.base
    let columns = matrix.columnIndices.base
    let values = matrix.values.base
    let period = UInt32(extent * columnUnit)
    let shift = UInt32(stride * columnUnit)
    let end = UInt32(outputs * rowUnit)
    var row = 0
    while row < matrix.rows - rowUnit {
      if UInt32(row) % end >= end - UInt32(rowUnit) {
        // The last output has no neighbour; all rows of it are passed over.
        row += rowUnit
        continue
      }
      var (p, q) = (pointers[row], pointers[row + rowUnit])
      let (pEnd, qEnd) = (pointers[row + 1], pointers[row + rowUnit + 1])
      try budget.spend(pEnd - p + qEnd - q + 1)
      while true {
        while p < pEnd, UInt32(columns[p]) % period >= period - shift { p += 1 }
        while q < qEnd, UInt32(columns[q]) % period < shift { q += 1 }
        if p == pEnd && q == qEnd { break }
        let here = p < pEnd ? Int(columns[p]) + Int(shift) : .max
        let there = q < qEnd ? Int(columns[q]) : .max
        let left = here <= there ? values[p] : 0
        let right = there <= here ? values[q] : 0
        if (left - right).magnitude <= slack {
          agreement.matches += 1
        } else {
          agreement.mismatches += 1
        }
        if here <= there { p += 1 }
        if there <= here { q += 1 }
      }
      if let floor {
        if agreement.score + matrix.count - pointers[row] <= floor { break }
      } else if agreement.mismatches > 0 {
        break
      }
      row += 1
    }
    return agreement
  }

  /// The classes along this axis in which nonzeros stand: the least, the greatest and the common divisor of their
  /// distances; nil for a matrix without any.
  func keys(
    _ matrix: borrowing SparseMatrix<Double>, stride: Int, _ budget: inout Budget
  ) throws(RecognitionError) -> KeyRange? {
    try budget.spend(matrix.count)
    var range: KeyRange?
    for row in 0..<matrix.rows {
      let start = output(row) * stride
      for entry in matrix.rowPointers.base[row]..<matrix.rowPointers.base[row + 1] {
        let key = pixel(matrix.columnIndices.base[entry]) - start
        range = range?.adding(key) ?? KeyRange(key)
      }
    }
    return range
  }
}

/// Classes along one axis: from the least to the greatest in equal steps.
struct KeyRange {
  private(set) var least: Int
  private(set) var greatest: Int
  /// The greatest step that reaches all of them; 0 where there is but one.
  private(set) var step: Int

  init(_ key: Int) {
    least = key
    greatest = key
    step = 0
  }

  @inline(__always)
  func adding(_ key: Int) -> KeyRange {
    var sum = self
    if key < least {
      sum.step = greatestCommonDivisor(step, least - key)
      sum.least = key
    } else if step == 0 ? key != least : (key - least) % step != 0 {
      sum.step = greatestCommonDivisor(step, key - least)
    }
    sum.greatest = max(greatest, key)
    return sum
  }
}

/// The greatest common divisor of numbers that are not negative.
func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int {
  var (a, b) = (a, b)
  while b != 0 { (a, b) = (b, a % b) }
  return a
}
