import Adjoint
import ArgumentParser
import Attacks

/// A number, or a fraction of two: 0.031, 8/255.
struct Fraction: ExpressibleByArgument, Sendable {
  let value: Double
  /// As it was written.
  private let words: String

  init?(argument: String) {
    words = argument
    let parts = argument.split(separator: "/", omittingEmptySubsequences: false).map { Double($0) }
    switch parts.count {
    case 1:
      guard let number = parts[0], number.isFinite else { return nil }
      value = number
    case 2:
      guard let above = parts[0], let below = parts[1], below != 0, (above / below).isFinite else { return nil }
      value = above / below
    default: return nil
    }
  }
}

extension Fraction: CustomStringConvertible {
  var description: String { words }
}

extension Fraction {
  init(_ above: Double) { (value, words) = (above, "\(above)") }

  /// above / below
  init(_ above: Int, over below: Int) { (value, words) = (Double(above) / Double(below), "\(above)/\(below)") }
}

/// Numbers with commas between them: .498,.498,.498
struct NumberList: ExpressibleByArgument, Sendable {
  let values: [Double]

  init?(argument: String) {
    let parts = argument.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) }
    guard !parts.isEmpty, parts.allSatisfy({ $0?.isFinite == true }) else { return nil }
    values = parts.compactMap { $0 }
  }
}

/// Whole numbers with commas between them: 224,224
struct IntegerList: ExpressibleByArgument, Sendable {
  let values: [Int]

  init?(argument: String) {
    let parts = argument.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
    guard !parts.isEmpty, parts.allSatisfy({ $0 != nil }) else { return nil }
    values = parts.compactMap { $0 }
  }
}

/// An input's name and shape: x=1,3,224,224
struct NamedShape: ExpressibleByArgument, Sendable {
  let name: String
  let extents: [Int]

  init?(argument: String) {
    guard let equals = argument.lastIndex(of: "="), equals != argument.startIndex else { return nil }
    let numbers = argument[argument.index(after: equals)...]
    name = String(argument[..<equals])
    if numbers.isEmpty {
      extents = []
    } else {
      guard let list = IntegerList(argument: String(numbers)), list.values.allSatisfy({ $0 >= 0 }) else { return nil }
      extents = list.values
    }
  }
}

/// How both sides of a photo become the model's: a length of the shorter side, or exact.
enum ResizeArgument: ExpressibleByArgument, Sendable {
  case exact
  case shorterSide(Int)

  init?(argument: String) {
    if argument == "exact" {
      self = .exact
    } else if let side = Int(argument), side > 0 {
      self = .shorterSide(side)
    } else {
      return nil
    }
  }
}

extension AttackSettings.Method: ExpressibleByArgument {}
extension AttackMode: ExpressibleByArgument {}
extension DerivedGraph: ExpressibleByArgument {}
extension DumpStage: ExpressibleByArgument {}
