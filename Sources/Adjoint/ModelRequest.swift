import CPlatform
import Codegen
import Glibc
import Hashing
import TensorTypes

/// What to compute of a model, with all that decides its programs but the processor and the compiler.
public struct ModelRequest: Sendable {
  public var model: ModelFile
  public var of: DerivedGraph
  /// Images that run together; by default as many as the model says.
  public var batch: Int?
  /// Of `map`, `pgdStep` and `step`.
  public var interpreter: InterpreterChoice
  /// Whole shapes of inputs, by name.
  public var shapes: [String: [Int]]
  /// Values of integer inputs that decide shapes, by name.
  public var values: [String: HostTensor] = [:]
  /// Members that win over the JSON file beside the model.
  public var overrides: ModelDescription

  public init(
    _ model: ModelFile, of derived: DerivedGraph, batch: Int? = nil, interpreter: InterpreterChoice = InterpreterChoice(),
    shapes: [String: [Int]] = [:], overrides: ModelDescription = ModelDescription()
  ) {
    self.model = model
    of = derived
    self.batch = batch
    self.interpreter = interpreter
    self.shapes = shapes
    self.overrides = overrides
  }

  /// The graphs that are compiled together. A step with one copy of the network stands alone: its map would be another.
  var family: [DerivedGraph] { of.hasInterpreter && interpreter.copies == 1 ? [of] : of.family(of: interpreter.name) }

  /// A hash of this request, of compiler and processor, and of this very build of adjoint.
  /// - Throws: `FileError` when the JSON file beside the model or its labels cannot be read.
  func key(for compiler: Compiler) throws -> String {
    var fields = try ownIdentity() + compiler.compiler.identity(for: compiler.cpu)
    fields += [model.sha256, of.rawValue, batch.map { "\($0)" } ?? "the model's batch"]
    if of.hasInterpreter { fields.append(try jsonLine(try interpreter.identified())) }
    fields += ["shapes"] + shapes.sorted { $0.key < $1.key }.flatMap { [$0.key, "\($0.value)"] }
    fields +=
      ["values"] + values.sorted { $0.key < $1.key }.flatMap { [$0.key, "\($0.value.type)", "\($0.value.integers)"] }
    let description =
      (try ModelDescription.beside(model: model.path)?.description ?? ModelDescription()).overridden(by: overrides)
    fields.append(try jsonLine(description))
    if let labels = description.labels { fields.append(SHA256.hexDigest(of: try readBytes(labels))) }
    var hash = SHA256()
    for field in fields {
      // With its length, so that fields do not run into each other.
      hash.update(Array("\(field.utf8.count) \(field)".utf8))
    }
    return hash.hexDigest()
  }
}

/// What distinguishes this build of adjoint from any other: the file that its code is in, and when that was written.
private func ownIdentity() throws(FileError) -> [String] {
  var path = [CChar](repeating: 0, count: Int(PATH_MAX))
  var status = stat()
  guard platform_own_file(&path, path.count), stat(path, &status) == 0 else {
    throw FileError("the file of this program cannot be found")
  }
  return [
    "adjoint", adjointVersion, "\(status.st_dev) \(status.st_ino) \(status.st_size)",
    "\(status.st_mtim.tv_sec) \(status.st_mtim.tv_nsec)",
  ]
}
