import Convolution
import Equivalence
import TensorCoding

/// What some formulations have to say of a result beside the verdict.
struct FormulationRemarks {
  /// The name of the arithmetic, where it is no dot product in the problem's precision.
  let arithmetic: String?
  fileprivate let tile: Int?
  fileprivate let separable: SeparableSplit?
  fileprivate let fourier: FourierReport?

  /// The remarks of `prepared` on `result`, before this is rounded to a shorter type; `bound` is how far it may lie from the exact
  /// value.
  init<Scalar: TensorScalar>(
    _ prepared: borrowing ConvolutionOperator<Scalar>, result: borrowing Tensor<Scalar>,
    problem: borrowing ConvolutionProblem<Scalar>, bound: borrowing ResultBound
  ) {
    tile = prepared.winogradTile
    separable = SeparableSplit(of: prepared, result: result, problem: problem)
    fourier = FourierReport(of: prepared, result: result, problem: problem, bound: bound)
    switch prepared.formulation {
    case .direct, .toeplitz, .banded, .im2col: arithmetic = nil
    case .separable, .fft: arithmetic = prepared.formulation.rawValue
    case .winograd: arithmetic = "winograd_f\(tile ?? 0)"
    }
  }

  /// A dot product's, which are none.
  init() {
    arithmetic = nil
    tile = nil
    separable = nil
    fourier = nil
  }
}

extension JSONWriter {
  /// The field `tile`, where tiles were used.
  mutating func tile(_ remarks: FormulationRemarks) {
    guard let tile = remarks.tile else { return }
    key("tile")
    integer(tile)
  }

  /// The fields `separable` and `fft`, where the formulation has them.
  mutating func remarks(_ remarks: FormulationRemarks) {
    if let split = remarks.separable {
      newLine()
      key("separable")
      beginObject()
      key("rank")
      integer(split.rank)
      key("full_rank")
      integer(split.fullRank)
      key("truncation_max_abs")
      number(orNull: split.truncationMaxAbs)
      key("rounding_max_abs")
      number(orNull: split.roundingMaxAbs)
      key("rounding_max_over_bound")
      number(orNull: split.roundingMaxOverBound)
      endObject()
    }
    if let report = remarks.fourier {
      newLine()
      key("fft")
      beginObject()
      key("size")
      beginArray()
      integer(report.size.height)
      integer(report.size.width)
      endArray()
      key("normwise_error")
      number(report.normwiseError)
      key("normwise_bound")
      number(report.normwiseBound)
      endObject()
    }
  }
}
