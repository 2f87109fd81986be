// Entries of matplotlib's tables of 256 colours.

enum PublishedColors {
  static let turbo: [Int: [Int]] = [
    0: [48, 18, 59], 20: [66, 75, 181], 77: [24, 215, 202], 128: [164, 252, 60], 201: [243, 99, 21], 255: [122, 4, 3],
  ]
  static let viridis: [Int: [Int]] = [
    0: [68, 1, 84], 20: [72, 29, 111], 77: [52, 96, 141], 128: [33, 145, 140], 201: [115, 208, 86], 255: [253, 231, 37],
  ]
}
