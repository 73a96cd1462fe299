internal import CofferSecrets
internal import CofferXTS
internal import Testing

/// Every kernel of this processor against libcrypto's.
@Suite struct XTSKernelTests {
    private static let reference = XTSKernel.all[XTSKernel.all.count - 1]

    @Test func `libcrypto is the last of the kernels, and the first is preferred`() throws {
        #expect(Self.reference.name == "libcrypto")
        #expect(try XTSKernel.preferred.name == XTSKernel.all[0].name)
        #expect(Set(XTSKernel.all.map(\.name)).count == XTSKernel.all.count)
    }

    @Test(arguments: XTSKernel.all)
    func `a kernel passes its self-test`(kernel: XTSKernel) throws { try kernel.selfTest() }

    /// Sizes that end within a batch, at its end and past it, of one to twenty units: so that the tweaks of the units
    /// ahead are made more than once; numbers that carry into the upper half, and out of it.
    @Test(arguments: XTSKernel.all, [32, 64])
    func `a kernel agrees with libcrypto at every size of a data unit`(
        kernel: XTSKernel,
        keyBytes: Int
    ) throws {
        var random = SystemRandomNumberGenerator()
        let sizes = Array(stride(from: 16, through: 4096, by: 16)) + [8192, 16384, 32768, 65536, 65520]
        for unitBytes in sizes {
            let key = SecretBytes(random: keyBytes)
            let cipher = try XTSCipher(key: key, kernel: kernel)
            let reference = try XTSCipher(key: key, kernel: Self.reference)
            let count = unitBytes * Int.random(in: 1...(unitBytes > 4096 ? 2 : 20), using: &random)
            let plaintext = SystemByteSource().bytes(count)
            let low: [UInt64] = [
                UInt64.random(in: 0...UInt64.max, using: &random), .max - 3, UInt64(UInt32.max),
            ]
            let high: [UInt64] = [0, 1, .max]
            let number = XTSNumber(low: low[unitBytes / 16 % 3], high: high[unitBytes / 48 % 3])
            let (shift, otherShift) = (Int.random(in: 0..<64), Int.random(in: 0..<64))
            var expected = [UInt8](repeating: 0, count: count)
            try Self.run(plaintext, 0, &expected, 0) { (source, target) throws(XTSError) in
                try reference.encrypt(source, to: &target, first: number, unitBytes: unitBytes)
            }
            var encrypted = [UInt8](repeating: 0, count: count)
            try Self.run(plaintext, shift, &encrypted, otherShift) { (source, target) throws(XTSError) in
                try cipher.encrypt(source, to: &target, first: number, unitBytes: unitBytes)
            }
            var decrypted = [UInt8](repeating: 0, count: count)
            try Self.run(expected, otherShift, &decrypted, shift) { (source, target) throws(XTSError) in
                try cipher.decrypt(source, to: &target, first: number, unitBytes: unitBytes)
            }
            #expect(encrypted == expected && decrypted == plaintext, "\(unitBytes) bytes, \(number)")
            // In place, under the lower half of the number.
            try Self.run([], 0, &decrypted, 0) { (_, bytes) throws(XTSError) in
                try cipher.encrypt(&bytes, first: number.low, unitBytes: unitBytes)
                try reference.decrypt(&bytes, first: number.low, unitBytes: unitBytes)
            }
            #expect(decrypted == plaintext, "\(unitBytes) bytes in place")
        }
    }

    @Test(arguments: XTSKernel.all)
    func `a kernel writes nothing outside of its run`(kernel: XTSKernel) throws {
        let cipher = try XTSCipher(key: SecretBytes(random: 64), kernel: kernel)
        for unitBytes in [16, 48, 528, 4096] {
            let margin = 128
            var buffer = [UInt8](repeating: 0x5A, count: 2 * margin + 3 * unitBytes)
            try unsafe buffer.withUnsafeMutableBytes { whole in
                let middle = unsafe whole[margin..<margin + 3 * unitBytes]
                var span = unsafe UnsafeMutableRawBufferPointer(rebasing: middle).mutableBytes
                try cipher.encrypt(&span, first: 1, unitBytes: unitBytes)
            }
            #expect(buffer.prefix(margin).allSatisfy { $0 == 0x5A })
            #expect(buffer.suffix(margin).allSatisfy { $0 == 0x5A })
            #expect(!buffer.dropFirst(margin).dropLast(margin).allSatisfy { $0 == 0x5A })
        }
    }

    /// Runs `body` from `source` to `target`, each `shift` bytes into a buffer of its own.
    private static func run(
        _ source: [UInt8],
        _ shift: Int,
        _ target: inout [UInt8],
        _ targetShift: Int,
        _ body: (RawSpan, inout MutableRawSpan) throws(XTSError) -> Void
    ) throws {
        let input = [UInt8](repeating: 0, count: shift) + source
        var output = [UInt8](repeating: 0, count: targetShift) + target
        try unsafe output.withUnsafeMutableBytes { whole in
            var span = unsafe UnsafeMutableRawBufferPointer(rebasing: whole[targetShift...]).mutableBytes
            try body(unsafe input.span.bytes.extracting(shift..<input.count), &span)
        }
        target = Array(output.dropFirst(targetShift))
    }
}
