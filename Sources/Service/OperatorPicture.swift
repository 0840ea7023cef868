package import Buffers
package import Convolution

/// A finished picture and how large it is.
struct OperatorDrawing: ~Copyable {
  let svg: ByteBuffer
  let width: Int
  let height: Int

  /// The picture alone.
  consuming func taken() -> ByteBuffer { svg }
}

/// The matrix `A` of a convolution as an SVG picture: zeros grey, one colour a tied weight, rows labelled by output pixel
/// and columns by image pixel. Matrices of more than 200 × 400 entries are drawn by the density of their nonzeros.
///
/// The picture brings its own background, dark where the reader's screen is, and stays below 2 MB whatever the matrix is.
package struct OperatorPicture: ~Copyable {
  private let matrix: OperatorMatrix
  private let statistics: OperatorStatistics
  private var svg = ByteBuffer(capacity: 1 << 14)
  /// Pixels a cell is wide and high.
  private let cell: Int
  /// What the matrix and the filter's taps are called.
  private let names: (matrix: String, tap: String)
  /// Width and height of the whole picture.
  private var size = (width: 0, height: 0)

  private static var most: (rows: Int, columns: Int) { (200, 400) }
  private static var margin: (left: Int, top: Int, right: Int) { (92, 104, 32) }
  /// Most entries in the legend.
  private static var legendLimit: Int { 36 }

  /// The picture of a matrix. It takes one step for each of `statistics.nonzeros`, which the caller has found few enough.
  ///
  /// - Parameter weight: The value of each weight, in words.
  package static func draw(_ matrix: OperatorMatrix, weight: (Int) -> String) -> ByteBuffer {
    drawing(matrix, name: "A", tap: "w", nonzeroLimit: .max, weight: weight).taken()
  }

  /// The same as one of several pictures, of at most half a megabyte.
  ///
  /// - Parameters:
  ///   - name: What the matrix is called, without markup.
  ///   - tap: What the taps are called; with another name than `w` they have one index.
  ///   - nonzeroLimit: How many nonzeros are still drawn one by one.
  static func drawing(
    _ matrix: OperatorMatrix, name: String, tap: String, nonzeroLimit: Int = 30_000, weight: (Int) -> String
  ) -> OperatorDrawing {
    let statistics = matrix.statistics
    if statistics.rows <= most.rows && statistics.columns <= most.columns
      && statistics.nonzeros <= nonzeroLimit
    {
      var picture = OperatorPicture(
        matrix, cell: max(3, min(22, 1100 / max(statistics.rows, statistics.columns))), (name, tap))
      let svg = picture.drawEntries(weight)
      return OperatorDrawing(svg: svg, width: picture.size.width, height: picture.size.height)
    }
    var picture = OperatorPicture(matrix, cell: 3, (name, tap))
    let svg = picture.drawDensity()
    return OperatorDrawing(svg: svg, width: picture.size.width, height: picture.size.height)
  }

  private init(_ matrix: OperatorMatrix, cell: Int, _ names: (matrix: String, tap: String)) {
    self.matrix = matrix
    statistics = matrix.statistics
    self.cell = cell
    self.names = names
  }

  // MARK: Entries

  private mutating func drawEntries(_ weight: (Int) -> String) -> ByteBuffer {
    // Entries that stand for several taps at once come last, in one colour.
    let weights = matrix.geometry.weights
    var places = [Int: [(row: Int, column: Int)]]()
    var last = (row: -1, column: -1, weight: -1)
    matrix.forEachTerm { row, column, weight, meetsAnother in
      if meetsAnother {
        if last.weight != weights { _ = places[last.weight]?.popLast() }
        if last.weight != weights { places[weights, default: []].append((row, column)) }
        last.weight = weights
      } else {
        places[weight, default: []].append((row, column))
        last = (row, column, weight)
      }
    }
    let used = places.keys.filter { !(places[$0] ?? []).isEmpty }.sorted()
    let shown = used.prefix(Self.legendLimit)
    let width = statistics.columns * cell
    let height = statistics.rows * cell
    let legendWidth = max(width, 420)
    let perLine = max(1, legendWidth / 150)
    let lines = (shown.count + perLine - 1) / perLine + (shown.count < used.count ? 1 : 0)
    open(width: legendWidth, height: height + 44 + lines * 22)
    rect(class: "zero", 0, 0, width, height)
    for (index, key) in used.enumerated() {
      svg.append(text: "<path fill=\"\(Self.color(index, isSum: key == weights))\" d=\"")
      for place in places[key] ?? [] {
        svg.append(text: "M\(place.column * cell) \(place.row * cell)h\(cell)v\(cell)h-\(cell)z")
      }
      svg.append(text: "\"/>\n")
    }
    grid(width, height)
    if cell >= 14, statistics.nonzeros <= 3000 {
      svg.append(text: "<g class=\"mark\">\n")
      for (index, key) in used.enumerated() {
        let number = key == weights ? "+" : String(index)
        for place in places[key] ?? [] {
          text(place.column * cell + cell / 2, place.row * cell + cell / 2 + 4, number)
        }
      }
      svg.append(text: "</g>\n")
    }
    labels(rowStep: 1, columnStep: 1)
    for (index, key) in shown.enumerated() {
      let (x, y) = (index % perLine * 150, height + 34 + index / perLine * 22)
      svg.append(
        text: """
          <rect x="\(x)" y="\(y - 11)" width="14" height="14" rx="3" fill="\(Self.color(index, isSum: key == weights))"/>

          """)
      let name = key == weights ? "several taps" : "\(index): \(tapName(key)) = \(weight(key))"
      text(x + 20, y + 1, name, class: "legend")
    }
    if shown.count < used.count {
      text(
        0, height + 34 + (lines - 1) * 22, "… and \(used.count - shown.count) more weights", class: "legend")
    }
    return close()
  }

  private func tapName(_ weight: Int) -> String {
    if names.tap != "w" { return "\(names.tap)[\(weight)]" }
    let geometry = matrix.geometry
    let (u, v) = (weight % geometry.taps / geometry.filter.width, weight % geometry.filter.width)
    let plane = weight / geometry.taps
    if geometry.weights == geometry.taps { return "w[\(u),\(v)]" }
    let planes = geometry.channels.imagePerGroup
    return "w[\(plane / planes),\(plane % planes),\(u),\(v)]"
  }

  /// Colours that stay apart for readers with any colour vision (Okabe and Ito, 2008), then darker and lighter ones of
  /// the same hues; after 28 they begin again.
  private static func color(_ index: Int, isSum: Bool) -> String {
    if isSum { return "#4d4d4d" }
    let base: [(Int, Int, Int)] = [
      (0, 114, 178), (230, 159, 0), (0, 158, 115), (213, 94, 0), (86, 180, 233), (204, 121, 167),
      (240, 228, 66),
    ]
    let (red, green, blue) = base[index % 7]
    // Percent of the colour, the rest being black or white.
    let (share, toward) = [(100, 0), (62, 0), (55, 255), (78, 40)][index / 7 % 4]
    func mix(_ part: Int) -> Int { (part * share + toward * (100 - share)) / 100 }
    return "rgb(\(mix(red)),\(mix(green)),\(mix(blue)))"
  }

  // MARK: Density

  private mutating func drawDensity() -> ByteBuffer {
    let side = 256
    let (rows, columns) = (statistics.rows, statistics.columns)
    // The longer side has 256 cells, the other one as many as keep the proportions, but not fewer than 32.
    let longest = max(rows, columns)
    let (down, across) = (
      min(rows, max(32, Int(Double(rows) / Double(longest) * Double(side)))),
      min(columns, max(32, Int(Double(columns) / Double(longest) * Double(side))))
    )
    var counts = [Int](repeating: 0, count: down * across)
    matrix.forEachTerm { row, column, _, meetsAnother in
      if !meetsAnother {
        counts[
          Int(Double(row) / Double(rows) * Double(down)) * across
            + Int(Double(column) / Double(columns) * Double(across))] += 1
      }
    }
    let greatest = max(1, counts.max() ?? 1)
    let shades = 12
    var paths = [String](repeating: "", count: shades + 1)
    for y in 0..<down {
      var x = 0
      while x < across {
        let shade = Self.shade(counts[y * across + x], of: greatest, shades)
        var end = x + 1
        while end < across, Self.shade(counts[y * across + end], of: greatest, shades) == shade { end += 1 }
        if shade > 0 {
          paths[shade] += "M\(x * cell) \(y * cell)h\((end - x) * cell)v\(cell)h-\((end - x) * cell)z"
        }
        x = end
      }
    }
    let (width, height) = (across * cell, down * cell)
    open(width: max(width, 420), height: height + 76)
    rect(class: "zero", 0, 0, width, height)
    for shade in 1...shades where !paths[shade].isEmpty {
      svg.append(text: "<path fill=\"\(Self.shadeColor(shade, of: shades))\" d=\"\(paths[shade])\"/>\n")
    }
    svg.append(text: "<rect class=\"frame\" width=\"\(width)\" height=\"\(height)\"/>\n")
    densityLabels(down: down, across: across)
    text(0, height + 30, "nonzeros in a cell", class: "legend")
    for shade in 1...shades {
      svg.append(
        text: """
          <rect x="\((shade - 1) * 18)" y="\(height + 40)" width="18" height="12" fill="\(Self.shadeColor(shade, of: shades))"/>

          """)
    }
    text(0, height + 68, "1", class: "legend")
    text(shades * 18, height + 68, "\(greatest)", class: "legend end")
    return close()
  }

  private static func shade(_ count: Int, of greatest: Int, _ shades: Int) -> Int {
    count == 0 ? 0 : max(1, Int(Double(count) / Double(greatest) * Double(shades)))
  }

  /// From light blue to dark violet, lightness falling all the way.
  private static func shadeColor(_ shade: Int, of shades: Int) -> String {
    let t = (shade - 1) * 100 / max(1, shades - 1)
    func mix(_ from: Int, _ to: Int) -> Int { (from * (100 - t) + to * t) / 100 }
    return "rgb(\(mix(134, 58)),\(mix(190, 8)),\(mix(235, 104)))"
  }

  private mutating func densityLabels(down: Int, across: Int) {
    for part in 0...4 {
      let row = min(statistics.rows - 1, statistics.rows / 4 * part)
      let column = min(statistics.columns - 1, statistics.columns / 4 * part)
      let y = min(down * cell, down * cell * part / 4)
      let x = across * cell * part / 4
      text(-8, max(9, y), rowName(row), class: "label end")
      svg.append(text: "<g transform=\"translate(\(min(across * cell - 2, x + 4)) -8) rotate(-60)\">")
      text(0, 0, columnName(column), class: "label")
      svg.append(text: "</g>\n")
    }
  }

  // MARK: Labels

  private func name(_ index: Int, _ plane: Extent, channels: Int) -> String {
    let place = "\(index / plane.width % plane.height),\(index % plane.width)"
    return channels == 1 ? place : "\(index / plane.width / plane.height): \(place)"
  }

  private var rowPlane: (plane: Extent, channels: Int) {
    let geometry = matrix.geometry
    return geometry.isTransposed
      ? (geometry.image, geometry.channels.image) : (geometry.output, geometry.channels.output)
  }
  private var columnPlane: (plane: Extent, channels: Int) {
    let geometry = matrix.geometry
    return geometry.isTransposed
      ? (geometry.output, geometry.channels.output) : (geometry.image, geometry.channels.image)
  }

  private func rowName(_ row: Int) -> String { name(row, rowPlane.plane, channels: rowPlane.channels) }
  private func columnName(_ column: Int) -> String {
    name(column, columnPlane.plane, channels: columnPlane.channels)
  }

  private mutating func labels(rowStep: Int, columnStep: Int) {
    // Where a cell is lower than its label, only the first one of so many is named.
    let every = (12 + cell - 1) / cell
    let rowEvery = every == 1 ? 1 : step(every, rowPlane.plane.width)
    let columnEvery = every == 1 ? 1 : step(every, columnPlane.plane.width)
    for row in stride(from: 0, to: statistics.rows, by: rowEvery) {
      text(-8, row * cell + min(cell, 12) / 2 + 4, rowName(row), class: "label end")
    }
    for column in stride(from: 0, to: statistics.columns, by: columnEvery) {
      svg.append(text: "<g transform=\"translate(\(column * cell + min(cell, 12) / 2 + 4) -8) rotate(-60)\">")
      text(0, 0, columnName(column), class: "label")
      svg.append(text: "</g>\n")
    }
  }

  /// The least multiple of a plane's width that is at least `every`.
  private func step(_ every: Int, _ width: Int) -> Int { (every + width - 1) / width * width }

  private mutating func grid(_ width: Int, _ height: Int) {
    let (rows, columns) = (rowPlane.plane, columnPlane.plane)
    if cell >= 8 {
      var lines = ""
      for row in 1..<max(2, statistics.rows) { lines += "M0 \(row * cell)h\(width)" }
      for column in 1..<max(2, statistics.columns) { lines += "M\(column * cell) 0v\(height)" }
      svg.append(text: "<path class=\"fine\" d=\"\(lines)\"/>\n")
    }
    var (blocks, planes) = ("", "")
    for row in stride(from: rows.width, to: statistics.rows, by: rows.width) {
      let line = "M0 \(row * cell)h\(width)"
      if row % rows.elementCount == 0 { planes += line } else { blocks += line }
    }
    for column in stride(from: columns.width, to: statistics.columns, by: columns.width) {
      let line = "M\(column * cell) 0v\(height)"
      if column % columns.elementCount == 0 { planes += line } else { blocks += line }
    }
    if !blocks.isEmpty { svg.append(text: "<path class=\"block\" d=\"\(blocks)\"/>\n") }
    if !planes.isEmpty { svg.append(text: "<path class=\"plane\" d=\"\(planes)\"/>\n") }
    svg.append(text: "<rect class=\"frame\" width=\"\(width)\" height=\"\(height)\"/>\n")
  }

  // MARK: SVG

  private mutating func open(width: Int, height: Int) {
    let (left, top, right) = Self.margin
    let (fullWidth, fullHeight) = (left + width + right, top + height + 8)
    size = (fullWidth, fullHeight)
    let title = "\(names.matrix): \(statistics.rows) × \(statistics.columns)"
    let dense = statistics.entries == .max ? "" : " of \(statistics.entries) entries"
    let subtitle =
      "\(statistics.nonzeros) nonzeros\(dense), \(statistics.distinctWeights) weights, \(statistics.ties) ties"
    svg.beginPicture(width: fullWidth, height: fullHeight, title: title)
    svg.append(
      text: """
        <style>
        .page{fill:#fff}.zero{fill:#e4e6ea}.fine{stroke:#fff;stroke-opacity:.7;stroke-width:1;fill:none}
        .block{stroke:#7b8494;stroke-width:1;fill:none}.plane{stroke:#1d2433;stroke-width:2;fill:none}
        .frame{fill:none;stroke:#1d2433;stroke-width:1.2}
        text{font:11px system-ui,"DejaVu Sans",sans-serif;fill:#1d2433}
        .title{font-size:16px;font-weight:600}.sub,.label{fill:#4a5364}.label{font-size:10px}.end{text-anchor:end}
        .mark text{font-size:9px;text-anchor:middle;fill:#fff;stroke:#000;stroke-width:2;stroke-opacity:.45;\
        paint-order:stroke}
        @media (prefers-color-scheme:dark){.page{fill:#14171f}.zero{fill:#2b303b}.fine{stroke:#14171f}\
        .block{stroke:#8a93a5}.plane,.frame{stroke:#e8ebf0}text{fill:#e8ebf0}.sub,.label{fill:#aab2c0}}
        </style>
        <rect class="page" width="\(fullWidth)" height="\(fullHeight)" rx="8"/>
        <text class="title" x="16" y="26">\(title)</text>
        <text class="sub" x="16" y="44">\(subtitle)</text>
        <g transform="translate(\(left) \(top))">

        """)
  }

  private mutating func rect(class name: StaticString, _ x: Int, _ y: Int, _ width: Int, _ height: Int) {
    svg.append(
      text: "<rect class=\"\(name)\" x=\"\(x)\" y=\"\(y)\" width=\"\(width)\" height=\"\(height)\"/>\n")
  }

  private mutating func text(_ x: Int, _ y: Int, _ words: String, class name: String? = nil) {
    let style = name.map { " class=\"\($0)\"" } ?? ""
    svg.append(text: "<text\(style) x=\"\(x)\" y=\"\(y)\">\(words)</text>\n")
  }

  private mutating func close() -> ByteBuffer {
    svg.append("</g>\n</svg>\n")
    var finished = ByteBuffer()
    swap(&finished, &svg)
    return finished
  }
}
