internal import CofferKMS
internal import CofferSecrets
internal import CofferShapes
internal import Foundation
internal import Testing

/// Ciphertext blobs from a hostile hand: changed, cut, grown, spliced, invented.
@Suite struct BlobFuzzTests {
    private static let seconds = Double(ProcessInfo.processInfo.environment["COFFER_FUZZ_SECONDS"] ?? "") ?? 3

    @Test func `no changed blob decrypts, and none tells more than that it is none`() async throws {
        let home = try KMSHome()
        let kms = try home.service()
        let keys = [try await kms.createKey(caller: root), try await kms.createKey(caller: root)]
        var order = KeyOrder()
        order.isMultiRegion = true
        let all = keys + [try await kms.createKey(order, caller: root)]
        var blobs: [[UInt8]] = []
        for key in all {
            for count in [1, 32, 4096] {
                let made = try await kms.encrypt(
                    SecretBytes(random: count),
                    key: .id(key.keyID),
                    context: context,
                    caller: root
                )
                blobs.append(made.blob.bytes)
            }
        }
        var generator = Mutator(seed: 5)
        let deadline = ContinuousClock.now + .seconds(Self.seconds)
        var count = 0
        while ContinuousClock.now < deadline {
            let bytes = generator.mutate(blobs)
            guard !blobs.contains(bytes) else { continue }
            let refused = await refusal {
                _ = try await kms.decrypt(CiphertextBlob(bytes), key: nil, context: context, caller: root)
            }
            let code = try #require(refused?.code, "a changed blob decrypted")
            if code == .invalidCiphertext { #expect(refused?.message == "") }
            // A key and a material that nobody here knows: another account's. Or nothing, or too much of it.
            #expect([.invalidCiphertext, .accessDenied, .validation].contains(code), "\(code.name)")
            count += 1
        }
        #expect(count > 100)
    }
}

/// Repeatable changes of byte strings.
private struct Mutator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    private mutating func next(below limit: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int((state >> 33) % UInt64(max(1, limit)))
    }

    mutating func mutate(_ originals: [[UInt8]]) -> [UInt8] {
        var bytes = originals[next(below: originals.count)]
        for _ in 0...next(below: 3) {
            guard !bytes.isEmpty else { break }
            switch next(below: 7) {
            case 0, 1: bytes[next(below: bytes.count)] ^= UInt8(1 << next(below: 8))
            case 2: bytes[next(below: min(bytes.count, 120))] = UInt8(next(below: 256))
            case 3: bytes.removeLast(next(below: bytes.count))
            case 4: bytes += (0...next(below: 64)).map { _ in UInt8(next(below: 256)) }
            case 5:
                let other = originals[next(below: originals.count)]
                let cut = next(below: min(bytes.count, other.count))
                bytes = Array(bytes.prefix(cut)) + Array(other.dropFirst(cut))
            default: bytes = (0..<next(below: 300)).map { _ in UInt8(next(below: 256)) }
            }
        }
        return bytes
    }
}
