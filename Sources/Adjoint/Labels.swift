import Interpreters

/// The classes of a model: their numbers, and their names where a labels file gives them.
public struct Labels: Sendable, Codable, Equatable {
  public let classCount: Int
  private let names: [String]?

  /// - Throws: `UsageError` when the number of names is not that of the classes.
  init(classCount: Int, names: [String]?, file: String?) throws(UsageError) {
    if let names, names.count != classCount {
      throw UsageError("'\(file ?? "labels")' names \(names.count) classes; the model has \(classCount)")
    }
    self.classCount = classCount
    self.names = names
  }

  /// The classes of a classifier: those of a label X are called "not X" and "X".
  init(of classifier: Classifier, names: [String]?, file: String?) throws(UsageError) {
    let ofLabels: [String]?
    if let label = classifier.label, let names, names.count != 2 || classifier.scoreCount == 2 {
      guard names.count == classifier.scoreCount else {
        throw UsageError("'\(file ?? "labels")' names \(names.count) labels; the model scores \(classifier.scoreCount)")
      }
      ofLabels = ["not \(names[label])", names[label]]
    } else {
      ofLabels = names
    }
    try self.init(classCount: classifier.classCount, names: ofLabels, file: file)
  }

  /// The name of a class, or its number.
  public func name(_ index: Int) -> String { names?[index] ?? "class \(index)" }

  /// The class that a number or a name means; names are compared without regard to case.
  /// - Throws: `UsageError` that says what would be accepted.
  public func index(of words: String) throws(UsageError) -> Int {
    if let number = Int(words) {
      guard (0..<classCount).contains(number) else {
        throw UsageError("class \(number) does not exist; the model has the classes 0 to \(classCount - 1)")
      }
      return number
    }
    guard let names else {
      throw UsageError(
        "'\(words)' is no class number, and the model has no names for its classes (--labels FILE gives them)")
    }
    let wanted = words.lowercased()
    let matches = names.indices.filter { names[$0].lowercased() == wanted }
    if matches.count == 1 { return matches[0] }
    if matches.count > 1 {
      throw UsageError("'\(words)' names the classes \(matches.map(String.init).joined(separator: ", ")); give a number")
    }
    let near = names.filter { $0.lowercased().contains(wanted) || wanted.contains($0.lowercased()) }.prefix(5)
    let hint = near.isEmpty ? "" : "; near are \(near.joined(separator: ", "))"
    throw UsageError("no class is called '\(words)'\(hint)")
  }
}
