import Convolution
import Equivalence

extension Deviation {
  init<Scalar: TensorScalar>(
    between a: borrowing Tensor<Scalar>, bound: borrowing ResultBound, and b: borrowing Tensor<Scalar>,
    bound other: borrowing ResultBound, problem: borrowing ConvolutionProblem<Scalar>, format: DataType
  ) {
    self = Assessment(of: a, direct: b, problem: problem).fromDirect
  }
}
