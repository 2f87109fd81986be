import Attacks
import Codegen
import Execution
import Files
import IR
import Interpreters
import ONNX
import Programs
import TensorTypes

/// The programs of a model: those of an artifact, those that the cache holds, or graphs that become programs when they are
/// first needed.
public struct ModelPrograms {
  public let facts: ModelFacts
  /// The name of the processor they are for, in records: results of different processors may differ in their last bits.
  /// "reference" for graphs that the evaluator runs.
  public let processor: String
  private let source: Source
  /// What names the node at fault for numbers that are not finite; nil for an artifact, which has no nodes.
  private(set) var search: NonFiniteSearch?

  private enum Source {
    case artifact(Artifact<ArtifactDescription>)
    case compiled(() throws -> [GraphStages], Compilation)
    case evaluated([GraphStages])
  }

  /// How graphs become programs, and under which key these are kept.
  private struct Compilation {
    let compiler: Compiler
    let cache: ArtifactCache?
    let key: String

    init(_ request: ModelRequest, _ execution: ExecutionOptions) throws {
      compiler = try execution.compiler()
      cache = ArtifactCache.standard()
      key = try request.key(for: compiler)
    }
  }

  /// The programs of an artifact's file.
  /// - Parameter pin: the SHA-256 that the file must have.
  /// - Throws: `ArtifactError`.
  public init(artifactAt path: String, pin: String? = nil) throws(ArtifactError) {
    self.init(try Artifact(contentsOf: path, pin: pin))
  }

  private init(_ artifact: Artifact<ArtifactDescription>, _ search: NonFiniteSearch? = nil) {
    self.search = search
    facts = artifact.description.model
    processor = artifact.cpu.name
    source = .artifact(artifact)
  }

  /// The programs of a model, from the cache where it has them.
  /// - Throws: what importing and differentiating throw; `CompilationError.noCompiler`.
  public init(_ request: ModelRequest, _ execution: ExecutionOptions) throws {
    self = try Self.cached(request, execution) ?? Self.imported(request, execution)
  }

  /// The programs that the cache holds for a request, and their artifact in a file as well if one is named.
  /// - Throws: `CompilationError.noCompiler`; `AtomicFileError` for that file.
  static func cached(
    _ request: ModelRequest, _ execution: ExecutionOptions, copyingTo copy: String? = nil
  ) throws -> ModelPrograms? {
    if execution.usesReference { return nil }
    let compilation = try Compilation(request, execution)
    return try compilation.cache?.artifact(for: compilation.key, copyingTo: copy).map {
      ModelPrograms($0, NonFiniteSearch(request: request, execution: execution))
    }
  }

  /// The programs of a model that is imported, and compiled when they are first needed.
  static func imported(_ request: ModelRequest, _ execution: ExecutionOptions) throws -> ModelPrograms {
    if request.of.hasInterpreter { try request.interpreter.check() }
    let stages: () throws -> [GraphStages]
    let facts: ModelFacts
    if request.of == .forward {
      let model = try importModel(request)
      facts = ModelFacts(
        of: request.of, family: request.family, sha256: request.model.sha256, boundInputs: model.boundInputs,
        classifier: nil, map: nil)
      stages = { [try GraphStages(forward: model.graph)] }
    } else {
      let model = try ImageClassifier(
        path: request.model.path, batch: request.batch ?? 1, shapes: request.shapes, overrides: request.overrides)
      var map: ModelFacts.MapFacts?
      if request.of.hasInterpreter {
        let interpreter = try request.interpreter.prepared(for: model.classifier)
        map = ModelFacts.MapFacts(
          interpreter: try request.interpreter.identified(), shape: interpreter.mapShape, sweeps: interpreter.sweeps,
          ownShapes: interpreter.ownShapes, others: interpreter.others)
        stages = { try request.family.map { try GraphStages($0, of: model, interpreter) } }
      } else {
        stages = { [try GraphStages(request.of, of: model, interpreter: request.interpreter)] }
      }
      facts = ModelFacts(
        of: request.of, family: request.family, sha256: request.model.sha256, boundInputs: [], classifier: model.interface,
        map: map)
    }
    let search = NonFiniteSearch(request: request, execution: execution)
    if execution.usesReference {
      return ModelPrograms(facts: facts, processor: "reference", source: .evaluated(try stages()), search)
    }
    let compilation = try Compilation(request, execution)
    return ModelPrograms(
      facts: facts, processor: compilation.compiler.cpu.name, source: .compiled(stages, compilation), search)
  }

  private init(facts: ModelFacts, processor: String, source: Source, _ search: NonFiniteSearch) {
    self.search = search
    self.facts = facts
    self.processor = processor
    self.source = source
  }

  // MARK: Running

  /// The programs as an artifact, compiled and put into the cache if they are not.
  /// - Throws: `CodegenError`, `TypeError`; `UsageError` for graphs that the evaluator runs.
  public func artifact() throws -> Artifact<ArtifactDescription> {
    switch source {
    case .artifact(let artifact): return artifact
    case .compiled(let stages, let compilation):
      let family = try compilation.compiler.compile(try stages().map(\.simplified))
      let version = compilation.compiler.compiler.version.split(whereSeparator: \.isNewline).first.map(String.init)
      let description = ArtifactDescription(model: facts, adjointVersion: adjointVersion, compiler: version ?? "unknown")
      let artifact = Artifact(family, cpu: compilation.compiler.cpu, description: description)
      return compilation.cache?.store(artifact, for: compilation.key) ?? artifact
    case .evaluated: throw UsageError("--reference compiles nothing")
    }
  }

  /// These programs, compiled if they are not; those that the evaluator runs stay as they are.
  func compiled() throws -> ModelPrograms {
    if case .compiled = source { return ModelPrograms(try artifact(), search) }
    return self
  }

  /// The graphs that the evaluator runs; nil for compiled programs.
  var evaluatedGraphs: [Graph]? { if case .evaluated(let stages) = source { stages.map(\.simplified) } else { nil } }

  /// The programs, loaded.
  /// - Throws: as ``artifact()``, and `ExecutionError`.
  public func executable(pool: ThreadPool) throws -> Executable { try Executable(try artifact().family, pool: pool) }

  /// What runs the programs by name.
  public func runner(threads: Int? = nil) throws -> any GraphRunner {
    if let threads, threads < 1 { throw UsageError("\(threads) threads; at least 1 is expected") }
    if case .evaluated(let stages) = source {
      return ReferenceRunner(stages.map { $0.differentiated.renamed($0.simplified.name) })
    }
    return CompiledRunner(
      executable: try executable(pool: ThreadPool(threadCount: threads ?? ThreadPool.usableProcessorCount)))
  }

  // MARK: Ports

  public struct Port: Equatable, Sendable {
    public let name: String
    public let type: TensorType
  }

  /// The inputs and outputs of each program, in their order.
  /// Cost: of compiling, where the programs are not.
  public func ports() throws -> [(program: String, inputs: [Port], outputs: [Port])] {
    switch source {
    case .artifact(let artifact):
      artifact.family.programs.map { program in
        (
          program.name, program.inputs.map { Port(name: $0.name, type: $0.type) },
          program.outputs.map { Port(name: $0.name, type: $0.type) }
        )
      }
    case .compiled: try compiled().ports()
    case .evaluated(let stages):
      stages.map(\.simplified).map { graph in
        (
          graph.name, graph.inputs.map { Port(name: graph.name(ofInput: $0), type: graph[$0].type) },
          graph.outputs.map { Port(name: $0.name, type: graph[$0.value].type) }
        )
      }
    }
  }
}

extension ModelPrograms {
  /// In a sentence what of the images the interpreter leaves out; nil where it takes all of them.
  var remark: String? {
    guard let interface = facts.classifier, let map = facts.map else { return nil }
    return map.interpreter.remark(imageShape: interface.imageShape)
  }

  /// Images that run together.
  public var batch: Int { facts.classifier?.batch ?? 1 }

  /// - Throws: `UsageError` unless these are the programs of that graph, or more.
  public func check(has needed: DerivedGraph) throws(UsageError) { _ = try classifier(with: needed) }

  /// The interface of a classifier whose programs an attack or an explanation can run.
  /// - Throws: `UsageError` when the programs are others.
  func classifier(with needed: DerivedGraph) throws(UsageError) -> (interface: ClassifierInterface, map: ModelFacts.MapFacts)
  {
    guard let interface = facts.classifier, let map = facts.map,
      needed.family(of: map.interpreter.name).allSatisfy(facts.family.contains)
    else {
      throw UsageError(
        "these are programs of '\(facts.of.rawValue)'; those of '\(needed.rawValue)' are needed (compile --of)")
    }
    return (interface, map)
  }
}

/// Free dimensions beside the batch are fixed by the size that the description gives, which a classifier has.
func importModel(_ request: ModelRequest) throws(ModelError) -> ImportedModel {
  do {
    return try importModel(
      request.model.path, ImportOptions(batch: request.batch, shapes: request.shapes, values: request.values))
  } catch {
    guard case .freeDimension = error.cause, let batch = request.batch else { throw error }
    let model = try? ImageClassifier(
      path: request.model.path, batch: batch, shapes: request.shapes, overrides: request.overrides)
    guard let model else { throw error }
    return model.imported
  }
}

/// Runs programs of compiled code by name.
public struct CompiledRunner: GraphRunner {
  public let executable: Executable

  public func run(_ program: String, _ inputs: [String: HostTensor]) throws -> [String: HostTensor] {
    try executable.run(program, inputs)
  }
}
