import Foundation

/// The built program as another process.
struct Command {
  struct Result {
    let status: Int32
    let output: String
    let error: String
  }

  /// The folder of the package.
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path

  static let model = root + "/graphs/models/fashion-resnet.onnx"
  static func image(_ name: String) -> String { "\(root)/graphs/images/\(name).png" }
  static let bag = image("fashion-00018-bag"), dress = image("fashion-00013-dress"), sandal = image("fashion-00008-sandal")

  /// Stands beside the test bundle.
  private static let program: URL = {
    var bundle = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    if let test = CommandLine.arguments.first(where: { $0.hasSuffix(".xctest") }) { bundle = URL(fileURLWithPath: test) }
    return bundle.deletingLastPathComponent().appendingPathComponent("adjoint")
  }()

  private static let cachePath = NSTemporaryDirectory() + "adjoint-tests-cache-\(getpid())"

  /// One cache of compiled objects for all tests of a run, apart from the user's, and gone with the run.
  private static let cache: String = {
    try? FileManager.default.createDirectory(
      atPath: cachePath, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    atexit { try? FileManager.default.removeItem(atPath: Command.cachePath) }
    return cachePath
  }()

  static func process(_ arguments: [String], environment: [String: String] = [:], through wrapper: [String] = []) -> Process
  {
    let process = Process()
    let words = wrapper + [program.path] + arguments
    process.executableURL = URL(fileURLWithPath: words[0])
    process.arguments = Array(words.dropFirst())
    process.environment = ProcessInfo.processInfo.environment
      .merging(["XDG_CACHE_HOME": cache]) { $1 }.merging(environment) { $1 }
    process.standardInput = FileHandle.nullDevice
    return process
  }

  /// Runs to the end.
  static func run(_ arguments: String..., environment: [String: String] = [:], through wrapper: [String] = []) throws
    -> Result
  {
    try run(arguments, environment: environment, through: wrapper)
  }

  static func run(_ arguments: [String], environment: [String: String] = [:], through wrapper: [String] = []) throws
    -> Result
  {
    let process = process(arguments, environment: environment, through: wrapper)
    let folder = try TemporaryFolder()
    let output = folder.path("output")
    let error = folder.path("error")
    for path in [output, error] { _ = FileManager.default.createFile(atPath: path, contents: nil) }
    process.standardOutput = FileHandle(forWritingAtPath: output)
    process.standardError = FileHandle(forWritingAtPath: error)
    try process.run()
    process.waitUntilExit()
    return Result(
      status: process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus,
      output: try String(contentsOfFile: output, encoding: .utf8), error: try String(contentsOfFile: error, encoding: .utf8))
  }
}

/// A folder that is gone when its owner is.
final class TemporaryFolder {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "adjoint-test-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func path(_ name: String) -> String { path + "/" + name }
  var files: [String] { ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted() }
  func bytes(_ name: String) -> Data? { FileManager.default.contents(atPath: path(name)) }

  func write(_ bytes: some Sequence<UInt8>, _ name: String) throws -> String {
    try Data(bytes).write(to: URL(fileURLWithPath: path(name)))
    return path(name)
  }
}
