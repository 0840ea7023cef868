/// A table for the terminal: columns as wide as their widest cell, the first ones to the left, numbers to the
/// right.
struct TextTable {
  private let leftAligned: Int
  private var rows: [[String]]

  /// A table with a header, whose first `leftAligned` columns are text.
  init(header: [String], leftAligned: Int) {
    self.leftAligned = leftAligned
    rows = [header]
  }

  /// Adds a row of as many cells as the header has.
  mutating func append(_ row: [String]) {
    precondition(row.count == rows[0].count, "a row has as many cells as the header")
    rows.append(row)
  }

  /// The lines of the table, the header underlined.
  var lines: [String] {
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    var lines = rows.map { row in
      zip(row.indices, row).map { column, cell in
        let fill = String(repeating: " ", count: widths[column] - cell.count)
        return column < leftAligned ? cell + fill : fill + cell
      }.joined(separator: "  ")
    }
    lines.insert(widths.map { String(repeating: "─", count: $0) }.joined(separator: "  "), at: 1)
    return lines
  }
}
