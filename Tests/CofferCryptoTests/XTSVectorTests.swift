import CofferCrypto
import CofferSecrets
import CofferShapes
import CofferXTS
import Testing

@Suite struct XTSVectorTests {
    @Test(arguments: XTSKernel.all, XTSVectors.unitFiles)
    func `a kernel gives the published answers, in place and out of place`(
        kernel: XTSKernel,
        file: String
    ) throws {
        let vectors = try XTSVectors.units(file)
        var (answered, skipped) = (0, 0)
        for vector in vectors {
            if vector.needsStealing {
                skipped += 1
                try Self.refuses(vector, kernel)
            } else if vector.hasEqualHalves {
                #expect(throws: XTSError.equalKeyHalves) {
                    _ = try XTSCipher(key: SecretBytes(copying: vector.key), kernel: kernel)
                }
                answered += 1
            } else {
                try Self.answers(vector, kernel)
                answered += 1
            }
        }
        print("\(kernel), \(file): \(answered) answered, \(skipped) left out (ciphertext stealing)")
        #expect(answered > 0 && answered + skipped == vectors.count)
    }

    @Test func `the vectors have both key sizes, equal halves, wide tweaks and invalid answers`() throws {
        let all = try XTSVectors.unitFiles.flatMap(XTSVectors.units)
        #expect(Set(all.map(\.key.count)) == [32, 64])
        #expect(all.first { $0.testDescription == "ieee1619-1" }?.hasEqualHalves == true)
        #expect(all.contains { $0.number.high != 0 && !$0.needsStealing })
        #expect(all.count == 1971)
    }

    @Test(arguments: XTSKernel.all, XTSVectors.runFiles)
    func `a kernel counts data unit numbers in 64 bits through a run`(kernel: XTSKernel, file: String) throws
    {
        let vectors = try XTSVectors.runs(file)
        for vector in vectors {
            let cipher = try XTSCipher(key: SecretBytes(copying: vector.key), kernel: kernel)
            let run = try Self.outOfPlace(vector.plaintext) { (source, target) throws(XTSError) in
                let first = XTSNumber(low: vector.first)
                try cipher.encrypt(source, to: &target, first: first, unitBytes: vector.unitBytes)
            }
            #expect(SHA256.digest(run) == vector.ciphertextSHA256, "\(vector.name)")
            if let ciphertext = vector.ciphertext { #expect(run == ciphertext, "\(vector.name)") }
            let back = try Self.inPlace(run, misalignment: 0) { (span) throws(XTSError) in
                try cipher.decrypt(&span, first: vector.first, unitBytes: vector.unitBytes)
            }
            #expect(back == vector.plaintext, "\(vector.name)")
            // One unit alone is the same as within the run.
            let last = vector.plaintext.count / vector.unitBytes - 1
            let alone = try Self.inPlace(Array(vector.plaintext.suffix(vector.unitBytes)), misalignment: 0) {
                (span) throws(XTSError) in
                try cipher.encrypt(&span, first: vector.first &+ UInt64(last), unitBytes: vector.unitBytes)
            }
            #expect(alone == Array(run.suffix(vector.unitBytes)), "\(vector.name)")
        }
        #expect(vectors.contains { $0.first > UInt64(UInt32.max) })
    }

    @Test(arguments: XTSKernel.all)
    func `a buffer at any alignment gives the same bytes, in place and out of place`(kernel: XTSKernel) throws
    {
        let cipher = try XTSCipher(key: SecretBytes(copying: [UInt8](0..<64)), kernel: kernel)
        let plaintext = SHAKE256.bytes(of: Array("alignment".utf8), count: 3 * 4096)
        let expected = try Self.outOfPlace(plaintext) { (source, target) throws(XTSError) in
            try cipher.encrypt(source, to: &target, first: XTSNumber(low: 9), unitBytes: 4096)
        }
        for misalignment in 0..<64 {
            let run = try Self.inPlace(plaintext, misalignment: misalignment) { (span) throws(XTSError) in
                try cipher.encrypt(&span, first: 9, unitBytes: 4096)
            }
            #expect(run == expected)
            let shifted = try Self.outOfPlace(plaintext, misalignment: misalignment) {
                (source, target) throws(XTSError) in
                try cipher.encrypt(source, to: &target, first: XTSNumber(low: 9), unitBytes: 4096)
            }
            #expect(shifted == expected)
        }
    }

    @Test func `SHAKE256 gives the published digest of the empty message`() {
        // FIPS 202 example values: the first 32 bytes.
        let expected = Hex.bytes("46b9dd2b0ba88d13233b3feb743eeb243fcd52ea62b81b82b50c27646ed5762f")
        #expect(SHAKE256.bytes(of: [], count: 32) == expected)
    }

    /// The answer is right for a valid vector, and another for an invalid one, both ways.
    private static func answers(_ vector: XTSVector, _ kernel: XTSKernel) throws {
        let cipher = try XTSCipher(key: SecretBytes(copying: vector.key), kernel: kernel)
        let unitBytes = vector.plaintext.count
        let mayFail = vector.verdict == .invalid
        let out = try outOfPlace(vector.plaintext) { (source, target) throws(XTSError) in
            try cipher.encrypt(source, to: &target, first: vector.number, unitBytes: unitBytes)
        }
        #expect((out == vector.ciphertext) != mayFail, "\(vector.testDescription)")
        let back = try outOfPlace(vector.ciphertext) { (source, target) throws(XTSError) in
            try cipher.decrypt(source, to: &target, first: vector.number, unitBytes: unitBytes)
        }
        #expect((back == vector.plaintext) != mayFail, "\(vector.testDescription)")
        // In place the number has 64 bits, as a volume's has.
        guard vector.number.high == 0 else { return }
        for misalignment in [0, 1] {
            let run = try inPlace(vector.plaintext, misalignment: misalignment) { (span) throws(XTSError) in
                try cipher.encrypt(&span, first: vector.number.low, unitBytes: unitBytes)
            }
            #expect(run == out, "\(vector.testDescription)")
            let undone = try inPlace(run, misalignment: misalignment) { (span) throws(XTSError) in
                try cipher.decrypt(&span, first: vector.number.low, unitBytes: unitBytes)
            }
            #expect(undone == vector.plaintext, "\(vector.testDescription)")
        }
    }

    private static func refuses(_ vector: XTSVector, _ kernel: XTSKernel) throws {
        guard !vector.hasEqualHalves else { return }
        let cipher = try XTSCipher(key: SecretBytes(copying: vector.key), kernel: kernel)
        #expect(throws: XTSError.length) {
            _ = try outOfPlace(vector.plaintext) { (source, target) throws(XTSError) in
                try cipher.encrypt(source, to: &target, first: vector.number, unitBytes: source.byteCount)
            }
        }
    }

    /// Runs `body` over a copy of `bytes` that begins `misalignment` bytes into a buffer.
    private static func inPlace(
        _ bytes: [UInt8],
        misalignment: Int,
        _ body: (inout MutableRawSpan) throws(XTSError) -> Void
    ) throws -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: misalignment) + bytes
        try unsafe buffer.withUnsafeMutableBytes { whole in
            var span = unsafe UnsafeMutableRawBufferPointer(rebasing: whole[misalignment...]).mutableBytes
            try body(&span)
        }
        return Array(buffer.dropFirst(misalignment))
    }

    /// Runs `body` from `bytes` to a buffer of its own; source and target lie at different alignments.
    private static func outOfPlace(
        _ bytes: [UInt8],
        misalignment: Int = 0,
        _ body: (RawSpan, inout MutableRawSpan) throws(XTSError) -> Void
    ) throws -> [UInt8] {
        let source = [UInt8](repeating: 0, count: misalignment) + bytes
        return try inPlace([UInt8](repeating: 0, count: bytes.count), misalignment: (misalignment * 7) % 64) {
            (target) throws(XTSError) in
            try body(unsafe source.span.bytes.extracting(misalignment..<source.count), &target)
        }
    }
}
