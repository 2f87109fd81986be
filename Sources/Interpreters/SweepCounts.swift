/// How often a network is swept for each image: a cost in machine-independent units. A sweep through part of the network
/// counts as one.
public struct SweepCounts: Sendable, Equatable, Codable {
  public var forward = 0
  public var backward = 0
  public var secondOrder = 0

  public init(forward: Int = 0, backward: Int = 0, secondOrder: Int = 0) {
    self.forward = forward
    self.backward = backward
    self.secondOrder = secondOrder
  }

  public static func + (a: SweepCounts, b: SweepCounts) -> SweepCounts {
    SweepCounts(
      forward: a.forward + b.forward, backward: a.backward + b.backward, secondOrder: a.secondOrder + b.secondOrder)
  }

  public static func - (a: SweepCounts, b: SweepCounts) -> SweepCounts {
    SweepCounts(
      forward: a.forward - b.forward, backward: a.backward - b.backward, secondOrder: a.secondOrder - b.secondOrder)
  }

  public static func += (a: inout SweepCounts, b: SweepCounts) { a = a + b }
}
