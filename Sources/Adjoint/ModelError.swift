import ONNX

/// Why a model file cannot be imported.
public struct ModelError: Error, Sendable, Equatable, CustomStringConvertible {
  public let path: String
  public let cause: ImportError

  public var description: String {
    if case .unreadable = cause { return cause.description }
    return "'\(path)': \(cause)"
  }

  /// Whether the call is wrong, such as a shape that the model does not take, and not the file.
  public var isUsageError: Bool {
    switch cause {
    case .unusableOption, .shapeMismatch, .freeDimension, .inputOfUnknownRank: true
    default: false
    }
  }
}

/// Imports a model file; errors name it.
func importModel(_ path: String, _ options: ImportOptions) throws(ModelError) -> ImportedModel {
  do { return try importONNX(path: path, options: options) } catch { throw ModelError(path: path, cause: error) }
}
