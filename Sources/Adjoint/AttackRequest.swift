/// An image to attack, and what is wanted of it.
public struct AttackRequest: Sendable, Equatable {
  public let path: String
  /// A class by number or name; nil where the attack has none, or where it is to be drawn.
  public let target: String?
  /// The true class, where it is known.
  public let label: Int?
  /// What results are called; by default as the file is.
  public var name: String?

  public init(path: String, target: String?, label: Int? = nil, name: String? = nil) {
    self.path = path
    self.target = target
    self.label = label
    self.name = name
  }

  /// Requests from a CSV file with the columns `file` and `target`, and optionally `class`.
  /// - Parameter images: the images to attack, matched by the end of their path; all of the file, in its folder, if empty.
  /// - Throws: `FileError`, and `UsageError` for an image that the file does not name.
  public static func read(_ csv: String, images: [String]) throws -> [AttackRequest] {
    let lines = try readLines(csv)
    let columns = lines.first.map(CommaSeparated.fields) ?? []
    guard let file = columns.firstIndex(of: "file"), let target = columns.firstIndex(of: "target") else {
      throw FileError("'\(csv)' needs a first line that names the columns file and target")
    }
    let label = columns.firstIndex(of: "class")
    var rows: [(file: String, request: AttackRequest)] = []
    for (index, line) in lines.dropFirst().enumerated() where !line.isEmpty {
      let fields = CommaSeparated.fields(line)
      guard fields.count == columns.count else {
        throw FileError("line \(index + 2) of '\(csv)' has \(fields.count) fields; the first line names \(columns.count)")
      }
      let path = fields[file].hasPrefix("/") ? fields[file] : folder(of: csv) + fields[file]
      rows.append(
        (fields[file], AttackRequest(path: path, target: fields[target], label: label.flatMap { Int(fields[$0]) })))
    }
    if images.isEmpty { return rows.map(\.request) }
    return try images.map { image in
      guard let row = rows.first(where: { image == $0.file || image.hasSuffix("/" + $0.file) }) else {
        throw UsageError("'\(csv)' names no target for '\(image)'")
      }
      return AttackRequest(path: image, target: row.request.target, label: row.request.label)
    }
  }
}
