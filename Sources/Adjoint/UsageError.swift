/// A call that cannot be meant: the caller has to change it, not the files it names.
public struct UsageError: Error, Sendable, Equatable, CustomStringConvertible {
  public let description: String
  public init(_ description: String) { self.description = description }
}

/// A file that cannot be used, in one sentence.
public struct FileError: Error, Sendable, Equatable, CustomStringConvertible {
  public let description: String
  public init(_ description: String) { self.description = description }
}
