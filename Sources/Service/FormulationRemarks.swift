import Convolution
import Equivalence
import TensorCoding

/// What some formulations have to say of a result beside the verdict.
struct FormulationRemarks {
  /// The remarks of `prepared` on `result`, before this is rounded to a shorter type.
  init<Scalar: TensorScalar>(
    _ prepared: borrowing ConvolutionOperator<Scalar>, result: borrowing Tensor<Scalar>,
    problem: borrowing ConvolutionProblem<Scalar>
  ) {
  }
}

extension JSONWriter {
  /// The field `tile`, where tiles were used.
  mutating func tile(_ remarks: FormulationRemarks) {
  }

  /// The fields `separable` and `fft`, where the formulation has them.
  mutating func remarks(_ remarks: FormulationRemarks) {
  }
}
