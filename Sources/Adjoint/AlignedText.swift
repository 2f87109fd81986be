/// A table of words in columns as wide as their widest cells.
/// - Parameter table: rows of equal counts.
public func alignedText(_ table: [[String]]) -> String {
  let widths = (table.first ?? []).indices.map { column in table.map { $0[column].count }.max() ?? 0 }
  return table.map { line in
    zip(line, widths).enumerated().map { column, cell in
      let padding = String(repeating: " ", count: cell.1 - cell.0.count)
      return column == line.count - 1 ? cell.0 : cell.0 + padding
    }.joined(separator: "  ")
  }.joined(separator: "\n")
}
