import FoundationEssentials
import Glibc

/// The C compiler of this machine.
public struct CCompiler: Sendable, Equatable {
  /// The absolute path of the program, then the arguments that `CC` adds.
  public let command: [String]
  /// What the program prints for `--version`.
  public let version: String

  /// What the program sees of the environment; `TMPDIR` says where temporary files go.
  public let environment: [String: String]

  public init(command: [String], version: String, environment: [String: String]) {
    self.command = command
    self.version = version
    self.environment = environment
  }

  public var path: String { command[0] }

  /// Finds a compiler: the one that `CC` names, then clang, then gcc on `PATH`, then the clang beside `swift`.
  /// - Throws: ``CompilationError/noCompiler(tried:)`` if none of them answers `--version`;
  ///   ``CompilationError/scratchFailed(path:reason:)`` if there is no place for temporary files.
  public static func locate(
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws(CompilationError) -> CCompiler {
    var tried: [String] = []
    if let words = environment["CC"]?.split(separator: " ").map(String.init), let name = words.first {
      let program: String? = name.contains("/") ? executable(absolutePath(name)) : search(name, environment)
      if let program, let found = try probe([program] + words.dropFirst(), environment) { return found }
      tried.append("CC=\(name)")
    }
    for name in ["clang", "gcc"] {
      if let program = search(name, environment), let found = try probe([program], environment) { return found }
      tried.append("\(name) on PATH")
    }
    if let swift = search("swift", environment), let resolved = realpath(swift, nil) {
      defer { free(resolved) }
      let path = String(cString: resolved)
      let directory: Substring = path[..<(path.lastIndex(of: "/") ?? path.startIndex)]
      if let program = executable("\(directory)/clang"), let found = try probe([program], environment) { return found }
      tried.append("\(directory)/clang")
    }
    throw .noCompiler(tried: tried)
  }
}

private func executable(_ path: String) -> String? {
  var status = stat()
  guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG, access(path, X_OK) == 0 else { return nil }
  return path
}

private func absolutePath(_ path: String) -> String {
  if path.hasPrefix("/") { return path }
  guard let directory = getcwd(nil, 0) else { return path }
  defer { free(directory) }
  return "\(String(cString: directory))/\(path)"
}

private func search(_ name: String, _ environment: [String: String]) -> String? {
  for directory in (environment["PATH"] ?? "").split(separator: ":") {
    if let path = executable(absolutePath("\(directory)/\(name)")) { return path }
  }
  return nil
}

private func probe(_ command: [String], _ environment: [String: String]) throws(CompilationError) -> CCompiler? {
  let scratch = try ScratchDirectory(environment: environment)
  guard let process = try? ChildProcess(
      command + ["--version"], environment: environment, directory: scratch.path, log: "version"),
    process.wait() == .exited(0), let text = try? scratch.read("version")
  else { return nil }
  return CCompiler(command: command, version: String(decoding: text, as: UTF8.self), environment: environment)
}
