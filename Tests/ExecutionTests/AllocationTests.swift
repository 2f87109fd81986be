import CAllocationCount
import Execution
import Programs
import Testing

@Suite struct AllocationTests {
  @Test func theCounterSeesAllocations() {
    let before: Int = thread_allocation_count()
    let array = [Int](repeating: before, count: 1000)
    #expect(thread_allocation_count() > before && array.count == 1000)
  }

  @Test("A run allocates nothing, and neither do writing and reading by port", arguments: [1, 2])
  func fastPath(threads: Int) throws {
    let executable = try Executable(SampleFamily.family(), threads: threads)
    let program: Int = try executable.programIndex(named: "mix")
    let x: Port = try executable.input("x", of: program)
    let y: Port = try executable.output("y", of: program)
    let elements = UnsafeMutableBufferPointer<Float>.allocate(capacity: 1024)
    defer { elements.deallocate() }
    elements.initialize(repeating: 1)

    try executable.run(program)
    let before: Int = thread_allocation_count()
    for _ in 0..<100 {
      // Without optimisation the arithmetic of shapes allocates.
      #if !DEBUG
        try executable.write(UnsafeBufferPointer(elements), to: x)
        try executable.read(y, into: elements)
      #endif
      try executable.run(program)
    }
    let allocations: Int = thread_allocation_count() - before
    #expect(allocations == 0, "ports \(x.name), \(y.name)")
  }
}
