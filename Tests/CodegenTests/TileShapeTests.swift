import Programs
import Testing

@testable import Codegen

/// Sums that do not fit into registers pass through memory at every term.
@Suite struct TileShapeTests {
  @Test(arguments: TargetCPU.all)
  func `a tile's sums fit into the registers beside its weights and what they are multiplied by`(_ cpu: TargetCPU) {
    let registers = VectorRegisters(cpu)
    for positions in [1, 4, 7, 14, 49, 196, 3136] {
      for blocks in [1, 2, 3, 6, 20, 80] {
        let tile = TileShape.cheapest(positions: positions, blocks: blocks, registers)
        let broadcasts = cpu.vectorBitCount == 512 && tile.blocks == 1 ? 0 : 1
        let vectors = tile.positions * tile.blocks + tile.blocks
        #expect(vectors * registers.parts + broadcasts <= cpu.vectorRegisterCount, "\(positions) x \(blocks)")
      }
      let tile = TileShape.depthwise(positions: positions, registers)
      #expect((tile.positions + 2) * registers.parts <= cpu.vectorRegisterCount || tile.positions == 1)
    }
  }
}
