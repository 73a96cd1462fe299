/// Looks for parts of known keys: any 8 bytes in a row as they are, and any 16 characters in a row of their hex (either
/// case) or base64.
public struct KeySearch: Sendable {
    private let binary: Set<[UInt8]>
    private let text: Set<[UInt8]>
    /// Whether a run begins with these two bytes: decides quickly for most places.
    private let begins: [Bool]

    public init(_ keys: [[UInt8]]) {
        binary = Set(keys.flatMap { Self.runs($0, 8) })
        text = Set(
            keys.flatMap { key in
                [Self.hex(key, "0123456789abcdef"), Self.hex(key, "0123456789ABCDEF"), Self.base64(key)]
                    .flatMap { Self.runs($0, 16) }
            }
        )
        var begins = [Bool](repeating: false, count: 65536)
        for run in binary.union(text) { begins[Int(run[0]) << 8 | Int(run[1])] = true }
        self.begins = begins
    }

    /// Whether any part of a key is in the bytes.
    public func finds(in bytes: [UInt8]) -> Bool {
        guard bytes.count >= 8 else { return false }
        return unsafe bytes.withUnsafeBufferPointer { buffer in
            unsafe begins.withUnsafeBufferPointer { begins in
                for offset in 0...buffer.count - 8
                where unsafe begins[Int(buffer[offset]) << 8 | Int(buffer[offset + 1])] {
                    if unsafe binary.contains(Array(buffer[offset..<offset + 8])) { return true }
                    guard buffer.count - offset >= 16 else { continue }
                    if unsafe text.contains(Array(buffer[offset..<offset + 16])) { return true }
                }
                return false
            }
        }
    }

    /// Whether any part of a key is in a file, however large.
    public func finds(inFile path: String) throws -> Bool {
        let file = try RawFile(path, 0)
        var position = 0
        while true {
            let part = try file.read(16 << 20, at: position)
            if finds(in: part) { return true }
            // The next piece begins early enough to hold whatever lies across the border.
            guard part.count > 15 else { return false }
            position += part.count - 15
            if part.count < 16 << 20 { return false }
        }
    }

    private static func runs(_ bytes: [UInt8], _ count: Int) -> [[UInt8]] {
        guard bytes.count >= count else { return [] }
        return (0...bytes.count - count).map { Array(bytes[$0..<$0 + count]) }
    }

    private static func hex(_ key: [UInt8], _ digits: String) -> [UInt8] {
        let digits = Array(digits.utf8)
        return key.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
    }

    private static func base64(_ key: [UInt8]) -> [UInt8] {
        let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        return stride(from: 0, to: key.count - key.count % 3, by: 3).flatMap { index in
            let group = Int(key[index]) << 16 | Int(key[index + 1]) << 8 | Int(key[index + 2])
            return [18, 12, 6, 0].map { digits[group >> $0 & 63] }
        }
    }
}
