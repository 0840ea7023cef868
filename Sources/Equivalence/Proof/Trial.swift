import Convolution

/// How exact numbers are handed to an implementation and read from it.
struct Coding<Scalar: Ring, Value: Ring & Equatable> {
  let image: (Value) -> Scalar
  let filter: (Value) -> Scalar
  let bias: (Value) -> Scalar
  /// The exact number that a result is; nil where it is none.
  let result: (Scalar) -> Value?
  /// Numbers in words.
  let text: (Scalar) -> String
  let exactText: (Value) -> String
  /// What stands in the output before each application.
  let garbage: Scalar
}

/// One implementation with one filter and one bias, held against the definition with the same numbers in a ring without
/// rounding.
struct Trial<Scalar: Ring, Value: Ring & Equatable> {
  private let definition: Definition
  private let coding: Coding<Scalar, Value>
  private let filter: [Value]
  private let bias: [Value]
  private let apply: Implementation<Scalar>.Application

  init(
    _ definition: Definition, _ implementation: Implementation<Scalar>, _ coding: Coding<Scalar, Value>,
    filter: [Value], bias: [Value]
  ) throws(ConvolutionError) {
    self.definition = definition
    self.coding = coding
    self.filter = filter
    self.bias = bias
    let taps = Self.tensor(filter, coding.filter, definition.filterShape)
    apply = try implementation.prepare(taps, Self.tensor(bias, coding.bias, Shape(bias.count)))
  }

  private static func tensor(_ values: [Value], _ encode: (Value) -> Scalar, _ shape: Shape) -> Tensor<Scalar>
  {
    var tensor = Tensor<Scalar>(shape: shape, repeating: .zero)
    let room = tensor.mutableValues
    for index in values.indices { room[index] = encode(values[index]) }
    return tensor
  }

  private func computed(_ image: [Value]) -> Tensor<Scalar> {
    let input = Self.tensor(image, coding.image, definition.geometry.imageShape)
    var output = Tensor<Scalar>(shape: definition.geometry.resultShape, repeating: coding.garbage)
    apply(input, &output)
    return output
  }

  /// Applies the implementation to `image`; what is wrong with the first wrong result, where one is.
  func check(_ image: [Value], application: Int) -> Counterexample? {
    let output = computed(image)
    let values = output.values
    let expected = definition.result(image: image, filter: filter, bias: bias)
    guard let place = expected.indices.first(where: { coding.result(values[$0]) != expected[$0] }) else {
      return nil
    }
    let (kind, pixel, tap) = locate(image, place)
    return Counterexample(
      kind: kind, application: application, position: Position(place, in: definition.geometry.resultShape),
      expected: coding.exactText(expected[place]), found: coding.text(values[place]),
      pixel: pixel.map { Position($0, in: definition.geometry.imageShape) },
      tap: tap.map { Position($0, in: definition.filterShape) })
  }

  /// What is wrong at `place`. The image is halved until one element alone shows it: a linear map that is right for both
  /// halves is right for the whole.
  private func locate(_ image: [Value], _ place: Int) -> (Counterexample.Kind, pixel: Int?, tap: Int?) {
    let terms = definition.terms(of: place)
    let constant = bias[definition.channel(of: place)]
    func result(_ kept: ArraySlice<Int>) -> (found: Value?, isWrong: Bool) {
      var part = [Value](repeating: .zero, count: image.count)
      for index in kept { part[index] = image[index] }
      let output = computed(part)
      let found = coding.result(output.values[place])
      return (found, found != terms.reduce(constant) { $0 + filter[$1.tap] * part[$1.given] })
    }
    if result([]).isWrong { return (.bias, nil, nil) }
    var kept = image.indices.filter { image[$0] != .zero }[...]
    while kept.count > 1 {
      let halves = [kept.prefix(kept.count / 2), kept.dropFirst(kept.count / 2)]
      guard let half = halves.first(where: { result($0).isWrong }) else { return (.onlyTogether, nil, nil) }
      kept = half
    }
    guard let pixel = kept.first else { return (.onlyTogether, nil, nil) }
    let (found, isWrong) = result(kept)
    if !isWrong { return (.onlyTogether, nil, nil) }
    guard let tap = terms.first(where: { $0.given == pixel })?.tap else {
      return (.outsideSupport, pixel, nil)
    }
    guard let found else { return (.otherWeight, pixel, tap) }
    let contribution = found - constant
    if contribution == .zero { return (.missingTap, pixel, tap) }
    let same = filter.indices.filter { filter[$0] * image[pixel] == contribution }
    // A tap of the same plane is the likeliest one, then one of the same filter.
    let plane = definition.geometry.taps
    let planes = definition.filterShape[1] * plane
    let other =
      same.first { $0 / plane == tap / plane } ?? same.first { $0 / planes == tap / planes } ?? same.first
    guard let other else { return (.otherWeight, pixel, tap) }
    return (.otherTap(Position(other, in: definition.filterShape)), pixel, tap)
  }
}
