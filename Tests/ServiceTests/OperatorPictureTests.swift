import Buffers
import Convolution
import Service
import Testing

/// Pictures of operators as documents.
@Suite struct OperatorPictureTests {
  func picture(
    _ image: Shape, _ filter: Shape, _ options: ConvolutionOptions = ConvolutionOptions()
  ) throws -> String {
    let geometry = try ConvolutionGeometry(image: image, filter: filter, options: options)
    let svg = OperatorPicture.draw(try OperatorMatrix(geometry)) { "\(Float($0) / 4)" }
    #expect(svg.count < 2_000_000)
    return String(decoding: svg.elements, as: UTF8.self)
  }

  /// Whether every element is closed in order and every attribute is quoted; the drawings have no other syntax.
  func isWellFormed(_ document: String) -> Bool {
    var open: [Substring] = []
    var rest = document[...]
    var roots = 0
    while let start = rest.firstIndex(of: "<") {
      if rest[..<start].contains(">") { return false }
      guard let end = rest[start...].firstIndex(of: ">") else { return false }
      var tag = rest[rest.index(after: start)..<end]
      rest = rest[rest.index(after: end)...]
      if tag.first == "/" {
        if open.popLast() != tag.dropFirst() { return false }
        continue
      }
      let isEmpty = tag.last == "/"
      if isEmpty { tag = tag.dropLast() }
      guard let name = tag.split(separator: " ").first else { return false }
      if tag.count(where: { $0 == "\"" }) != 2 * tag.count(where: { $0 == "=" }) || tag.contains("&") {
        return false
      }
      if open.isEmpty { roots += 1 }
      if !isEmpty { open.append(name) }
    }
    return open.isEmpty && roots == 1
  }

  @Test("each tied weight has one path, with a cell for each of its entries")
  func entries() throws {
    let svg = try picture(Shape(5, 5), Shape(2, 2))
    #expect(isWellFormed(svg))
    let paths = svg.split(separator: "\n").filter { $0.hasPrefix("<path fill=") }
    #expect(paths.count == 4)
    #expect(paths.allSatisfy { $0.count { $0 == "M" } == 16 })
    #expect(Set(paths.map { $0.prefix { $0 != "d" } }).count == 4)
    #expect(svg.contains(">3: w[1,1] = 0.75<"))
    #expect(svg.contains("16 × 25"))
  }

  @Test("entries of several taps are drawn once")
  func severalTaps() throws {
    let svg = try picture(
      Shape(4, 4), Shape(3, 3),
      ConvolutionOptions(padding: .sides(Padding(vertical: 1, horizontal: 1)), paddingMode: .replicate))
    #expect(isWellFormed(svg))
    #expect(svg.contains(">several taps<"))
    let cells = svg.split(separator: "\n").filter { $0.hasPrefix("<path fill=") }.reduce(0) {
      $0 + $1.count { $0 == "M" }
    }
    let geometry = try ConvolutionGeometry(
      image: Shape(4, 4), filter: Shape(3, 3),
      options: ConvolutionOptions(
        padding: .sides(Padding(vertical: 1, horizontal: 1)), paddingMode: .replicate))
    #expect(cells == (try OperatorMatrix(geometry)).statistics.nonzeros)
  }

  @Test("large, wide, tall and full matrices stay small and well-formed")
  func sizes() throws {
    var tall = Shape(50)
    tall.append(2)
    tall.append(2)
    for (image, filter) in [
      (Shape(64, 64), Shape(5, 5)), (Shape(1, 401), Shape(1, 1)), (Shape(1, 400), Shape(1, 201)),
      (Shape(1, 400), Shape(1, 400)), (Shape(20, 20), Shape(1, 1)), (tall, Shape(50, 50, 1, 1)),
      (Shape(1, 100_000), Shape(1, 100_000)), (Shape(1, 1), Shape(1, 1)), (Shape(256, 256), Shape(3, 3)),
    ] {
      #expect(isWellFormed(try picture(image, filter)), "\(image) \(filter)")
    }
  }
}
