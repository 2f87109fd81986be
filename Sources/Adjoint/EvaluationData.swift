import Glibc
import Hashing

/// Labelled photos: a folder that holds index.csv (file, class, and optionally target), or one folder for each class.
public struct EvaluationData: Sendable {
  public struct Photo: Sendable, Equatable {
    /// Relative to the folder.
    public let file: String
    public let path: String
    public let label: Int
    /// As the table has it.
    public let target: String?

    /// What results are called: the file's path within the data, without extension, `-` in place of slashes.
    public var name: String {
      let stem = folder(of: file) + baseName(file)
      return String(stem.drop { $0 == "/" }.map { $0 == "/" ? "-" : $0 })
    }
  }

  /// In the order of the table; those of class folders in the order of their files' SHA-256, so that any number of them is a
  /// sample of all classes.
  public let photos: [Photo]

  /// - Throws: `FileError` for a folder without labelled photos, `UsageError` for a class that does not exist.
  public init(_ path: String, labels: Labels) throws {
    let root = path.hasSuffix("/") ? path : path + "/"
    let table = path.hasSuffix(".csv") ? path : root + "index.csv"
    photos = fileExists(table) ? try Self.listed(table, labels) : try Self.sorted(root, labels)
    guard !photos.isEmpty else { throw FileError("'\(path)' holds no photos") }
  }

  /// Those that `split` leaves; all without one.
  /// - Throws: `FileError` for a photo that cannot be read.
  /// Cost: with a split every file is read.
  public func photos(beside split: Split?) throws -> [Photo] {
    guard let split else { return photos }
    return try photos.filter { Split(sha256: SHA256.hexDigest(of: try readBytes($0.path))) != split }
  }

  private static func listed(_ table: String, _ labels: Labels) throws -> [Photo] {
    let lines = try readLines(table)
    let columns = lines.first.map(CommaSeparated.fields) ?? []
    guard let file = columns.firstIndex(of: "file"), let label = columns.firstIndex(of: "class") else {
      throw FileError("'\(table)' needs a first line that names the columns file and class")
    }
    let target = columns.firstIndex(of: "target")
    return try lines.enumerated().dropFirst().filter { !$0.element.isEmpty }.map { index, line in
      let fields = CommaSeparated.fields(line)
      guard fields.count == columns.count else {
        throw FileError("line \(index + 1) of '\(table)' has \(fields.count) fields; the first line names \(columns.count)")
      }
      let path = fields[file].hasPrefix("/") ? fields[file] : folder(of: table) + fields[file]
      let wanted = target.map { fields[$0] } ?? ""
      do {
        return Photo(
          file: fields[file], path: path, label: try labels.index(of: fields[label]), target: wanted.isEmpty ? nil : wanted)
      } catch { throw UsageError("line \(index + 1) of '\(table)': \(error)") }
    }
  }

  /// A class folder is called as its class or its number; otherwise, of as many folders as there are classes, the first in
  /// alphabetical order is class 0.
  private static func sorted(_ root: String, _ labels: Labels) throws -> [Photo] {
    let folders = try entries(of: root).filter { isFolder(root + $0) }
    guard !folders.isEmpty else {
      throw FileError("'\(root)' holds neither index.csv nor folders of classes")
    }
    let byName = folders.map { try? labels.index(of: $0) }
    var photos: [(photo: Photo, hash: String)] = []
    for (position, name) in folders.enumerated() {
      let isOrdered = folders.count == labels.classCount && byName.contains { $0 == nil }
      guard let label = isOrdered ? position : byName[position] else {
        throw UsageError(
          "the folder '\(root)\(name)' is called as none of the model's \(labels.classCount) classes, and there are "
            + "\(folders.count) folders")
      }
      for file in try entries(of: root + name) where isImage(file) {
        let path = root + name + "/" + file
        let hash = SHA256.hexDigest(of: try readBytes(path))
        photos.append((Photo(file: name + "/" + file, path: path, label: label, target: nil), hash))
      }
    }
    return photos.sorted { ($0.hash, $0.photo.file) < ($1.hash, $1.photo.file) }.map(\.photo)
  }

  private static func isImage(_ file: String) -> Bool {
    ["png", "jpg", "jpeg"].contains(file.split(separator: ".").last?.lowercased() ?? "")
  }

  private static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// In alphabetical order, without hidden ones.
  private static func entries(of path: String) throws(FileError) -> [String] {
    guard let directory = opendir(path) else {
      throw FileError("cannot read '\(path)': \(String(cString: strerror(errno)))")
    }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if !name.hasPrefix(".") { names.append(name) }
    }
    return names.sorted()
  }
}

/// Half of the photos: constants are chosen on one and judged on the other.
public enum Split: String, Sendable, CaseIterable {
  /// Photos whose file's SHA-256 begins with 0 to 7.
  case dev
  /// The others.
  case test

  init(sha256: String) { self = (sha256.first?.hexDigitValue ?? 0) < 8 ? .dev : .test }
}
