import Foundation

/// The functions of Foundation that these tests need; the whole module brings a `Classifier` of its own along.
enum Exponential {
  static func of(_ x: Double) -> Double { exp(x) }
  static func logarithm(_ x: Double) -> Double { log(x) }
}
