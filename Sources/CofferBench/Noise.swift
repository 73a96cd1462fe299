internal import CofferShapes
internal import CofferSystem
internal import Glibc

/// Random bytes, fast and for no secret (xorshift64*): what no layer below can compress, share or take for a hole.
struct Noise: RandomNumberGenerator {
    private var state = UInt64.random(in: 1...UInt64.max)

    mutating func next() -> UInt64 {
        state ^= state >> 12
        state ^= state << 25
        state ^= state >> 27
        return state &* 0x2545_F491_4F6C_DD1D
    }

    /// Fills the first bytes of a file, made where it is missing, and has them durable.
    static func fill(_ path: String, sizeBytes: Int) throws {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("open", path) }
        defer { close(descriptor) }
        var noise = Noise()
        var piece = [UInt8](repeating: 0, count: 1 << 20)
        var offset = 0
        while offset < sizeBytes {
            try Interruption.check()
            unsafe piece.withUnsafeMutableBytes { unsafe $0.fill(from: &noise) }
            let count = min(piece.count, sizeBytes - offset)
            let written = unsafe pwrite(descriptor, piece, count, offset)
            guard written > 0 else { throw failure("fill", path) }
            offset += written
        }
        guard fsync(descriptor) == 0 else { throw failure("sync", path) }
    }

    private static func failure(_ doing: String, _ path: String) -> AWSError {
        let code = errno
        return AWSError(
            code == ENOSPC ? .storageFull : .internalError,
            "cannot \(doing) \(path): \(SystemError.text(code))",
            hint: "choose a folder with more room with --backing, or a smaller --size"
        )
    }
}

extension UnsafeMutableRawBufferPointer {
    /// Whole words of noise; bytes past the last whole word stay.
    func fill(from noise: inout Noise) {
        for offset in Swift.stride(from: 0, through: count - 8, by: 8) {
            unsafe storeBytes(of: noise.next(), toByteOffset: offset, as: UInt64.self)
        }
    }
}
