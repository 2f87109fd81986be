import CPlatform

/// A shared object loaded from memory; unloaded when released.
final class LoadedCode {
  private let code: platform_code

  init(_ bytes: [UInt8]) throws(ExecutionError) {
    var code = platform_code()
    var message = [CChar](repeating: 0, count: 512)
    guard platform_load_code(bytes, bytes.count, &code, &message, message.count) else {
      let text = message.prefix { $0 != 0 }.map(UInt8.init(bitPattern:))
      throw .loadFailed(reason: String(decoding: text, as: UTF8.self))
    }
    self.code = code
  }

  deinit { platform_unload_code(code) }

  /// The kernel of that number, if the object exports it.
  func kernel(_ number: Int) -> platform_kernel? {
    guard let symbol = platform_find_symbol(code, "kernel_\(number)") else { return nil }
    return unsafeBitCast(symbol, to: platform_kernel?.self)
  }
}
