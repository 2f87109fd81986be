import IR

/// A step from one graph to an equivalent one.
///
/// Every pass keeps the inputs (all of them, in order, used or not), the names and types of the outputs, and the locations
/// of the nodes it keeps; a node that replaces another takes over its location. Its name is its type's name, and also the
/// heading of its dump and the name of its file and its tests.
public protocol Pass: Sendable {
  static var name: String { get }
  static func run(_ graph: Graph) throws(TypeError) -> Graph
}

extension Pass {
  public static var name: String { String(describing: Self.self) }
}
