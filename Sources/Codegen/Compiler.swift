import IR
import NativeCompilation
import Operators
import Passes
import Programs
import Synchronization
import TensorTypes

/// What keeps a graph from becoming native code.
public enum CodegenError: Error, Sendable, CustomStringConvertible {
  /// An operation is not well typed; an error of the compiler's own.
  case type(TypeError)
  case compilation(CompilationError)

  public var description: String {
    switch self {
    case .type(let error): "the compiler made an ill-typed graph: \(error)"
    case .compilation(let error): error.description
    }
  }
}

/// Turns graphs into a family of programs: fuse, schedule, plan, emit, compile.
public struct Compiler: Sendable {
  public let cpu: TargetCPU
  public let compiler: CCompiler
  /// Bytes written after which a value is taken to be in no cache any more: of a last level of 32 MiB, what others leave.
  public let cacheByteCount: Int

  public init(cpu: TargetCPU, compiler: CCompiler, cacheByteCount: Int = 24 << 20) {
    self.cpu = cpu
    self.compiler = compiler
    self.cacheByteCount = cacheByteCount
  }

  /// Compiles simplified graphs. Each becomes the program of its name; they share kernels and constants.
  public func compile(_ graphs: [Graph]) throws(CodegenError) -> ProgramFamily {
    let emitted = try emit(graphs)
    let constants = Mutex<[UInt8]>([])
    do throws(CompilationError) {
      let code = try compiler.compile(units: emitted.units, for: cpu) {
        let bytes = emitted.pool.bytes()
        constants.withLock { $0 = bytes }
      }
      return ProgramFamily(programs: emitted.programs, code: code, constants: constants.withLock(\.self))
    } catch { throw .compilation(error) }
  }

  /// The C text that `compile` would compile.
  public func text(_ graphs: [Graph]) throws(CodegenError) -> String { try emit(graphs).units.joined(separator: "\n") }

  /// Programs as they would run, without compiled code: steps, algorithms, memory.
  public func programs(_ graphs: [Graph]) throws(CodegenError) -> [Program] { try emit(graphs).programs }

  /// For each graph its steps, one a line: algorithm, tasks, work, where results and operands lie, how long results live.
  public func scheduleText(_ graphs: [Graph]) throws(CodegenError) -> String {
    let emitted = try emit(graphs)
    return zip(emitted.plans, emitted.programs).map { $0.schedule.text($0.memory, $1) }.joined()
  }

  // MARK: Stages

  private struct Emitted {
    var plans: [(schedule: Schedule, memory: MemoryPlan)] = []
    var programs: [Program] = []
    var units: [String] = []
    var pool = ConstantPool()
  }

  /// The graph whose nodes become steps.
  /// - Parameter graph: simplified.
  public static func fused(_ graph: Graph) throws(TypeError) -> Graph {
    let graph = try GatherEarlyFactors.run(SeparateStrides.run(MergePhases.run(graph.copyingConstantOutputs())))
    return try InsertReorders.run(Fuse.run(graph))
  }

  private func emit(_ graphs: [Graph]) throws(CodegenError) -> Emitted {
    var kernels = KernelTable()
    var emitted = Emitted()
    for graph in graphs {
      let schedule: Schedule
      do {
        schedule = try Schedule(
          Self.fused(graph), pool: &emitted.pool, registers: VectorRegisters(cpu), cacheByteCount: cacheByteCount)
      } catch { throw .type(error) }
      let memory = MemoryPlan(schedule)
      emitted.plans.append((schedule, memory))
      emitted.programs.append(Program(schedule, memory, &kernels, &emitted.pool))
    }
    emitted.units = kernels.units
    return emitted
  }
}

extension Graph {
  /// Outputs that are constants become copies of them, which a step can write.
  fileprivate func copyingConstantOutputs() throws(TypeError) -> Graph {
    guard outputs.contains(where: { self[$0.value].constant != nil }) else { return self }
    let builder = GraphBuilder(continuing: self)
    var results: [(String, Value)] = []
    for output in outputs {
      let isConstant = self[output.value].constant != nil
      results.append(
        (
          output.name,
          isConstant ? try builder.append(Reshape(shape: self[output.value].type.shape), [output.value]) : output.value
        ))
    }
    return builder.finish(name: name, outputs: results)
  }
}

extension Program {
  /// Numbers the kernels of a schedule and turns its values into addresses.
  init(_ schedule: Schedule, _ plan: MemoryPlan, _ kernels: inout KernelTable, _ pool: inout ConstantPool) {
    let graph = schedule.graph
    func offset(_ value: Value) -> Int { plan[value]?.offset ?? 0 }
    var steps: [Step] = []
    for step in schedule.steps {
      var addresses: [Address] = []
      var bytesMoved = 0
      for (number, operand) in step.operands.enumerated() {
        let buffer = schedule.buffers[operand.index]
        bytesMoved += buffer.byteCount
        if let packed = step.packed[number] {
          addresses.append(.constants(packed))
        } else if let constant = graph[operand].constant {
          addresses.append(.constants(pool.add(constant, buffer)))
        } else {
          addresses.append(.arena(offset(operand)))
        }
      }
      for result in step.results {
        let buffer = schedule.buffers[result.index]
        bytesMoved += buffer.byteCount
        addresses.append(.arena(offset(result)))
      }
      let results = step.region.results.map(\.summary).joined(separator: ", ")
      steps.append(
        Step(
          kernel: kernels.number(of: step.kernel), operands: addresses, taskCount: step.kernel.taskCount,
          summary: "\(step.region.summary) [\(step.algorithm)] -> \(results)",
          node: step.location.node, floatingPointOperations: step.floatingPointOperations, bytesMoved: bytesMoved))
    }
    func port(_ name: String, _ value: Value) -> Port {
      Port(name: name, type: graph[value].type, offset: offset(value))
    }
    self.init(
      name: graph.name, inputs: graph.inputs.map { port(graph.name(ofInput: $0), $0) },
      outputs: graph.outputs.map { port($0.name, $0.value) }, steps: steps, arenaByteCount: plan.byteCount)
  }
}
