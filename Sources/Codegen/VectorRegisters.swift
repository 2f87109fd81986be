import Programs

/// The vector registers of a processor, several of which hold a vector of 16 floats where they are narrower.
struct VectorRegisters {
  let count: Int
  /// Registers of a vector of 16 floats.
  let parts: Int
  /// Whether a multiplication spreads an operand from memory over its lanes, without a register for it.
  let foldBroadcasts: Bool

  init(_ cpu: TargetCPU) {
    count = cpu.vectorRegisterCount
    parts = max(1, Buffer.lanes / cpu.floatLaneCount)
    foldBroadcasts = cpu.vectorBitCount == 512
  }

  /// Whether so many vectors fit beside `others`, of one register each.
  func hold(_ vectors: Int, besides others: Int = 0) -> Bool { vectors * parts + others <= count }
}
