internal import CofferTesting
internal import Foundation
internal import Testing

@testable internal import CofferSigV4

/// Damaged requests by the thousand: none may crash the parser, and none may be taken.
@Suite struct FuzzTests {
    private static let pieces = [
        "AWS4-HMAC-SHA256", " ", ",", "=", ";", "/", "%", "%2", "%2F", "Credential=", "SignedHeaders=",
        "Signature=",
        "host", "aws4_request", "20150830", "\u{0}", "\n", "é", "X-Amz-Signature=", "&", "X-Amz-Expires=0",
        "+",
        String(repeating: "a", count: 300),
    ]

    private func damaged(_ text: String, _ generator: inout SeededGenerator) -> String {
        var bytes = Array(text.utf8)
        for _ in 0...Int.random(in: 0..<4, using: &generator) {
            let place = Int.random(in: 0...bytes.count, using: &generator)
            switch Int.random(in: 0..<5, using: &generator) {
            case 0 where place < bytes.count: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            case 1 where place < bytes.count: bytes.remove(at: place)
            case 2:
                bytes.removeSubrange(
                    place..<min(bytes.count, place + Int.random(in: 0..<40, using: &generator))
                )
            case 3: bytes.insert(contentsOf: bytes.prefix(place).suffix(40), at: place)
            default:
                bytes.insert(
                    contentsOf: Self.pieces.randomElement(using: &generator)?.utf8 ?? "".utf8,
                    at: place
                )
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test func `no damaged signature is taken, and none crashes`() {
        let environment = ProcessInfo.processInfo.environment
        let seed = environment["COFFER_FUZZ_SEED"].flatMap { UInt64($0) } ?? 1
        let seconds = environment["COFFER_FUZZ_SECONDS"].flatMap { Double($0) } ?? 3
        var generator = SeededGenerator(seed: seed)
        let signed = SignedExample.signed
        let presigned = SignedExample.presigned
        let key = SignedExample.key()
        let end = ContinuousClock.now + .seconds(seconds)
        var (count, formed) = (0, 0)
        while ContinuousClock.now < end {
            count += 1
            let authorization = signed.value("authorization")
            let header = damaged(authorization, &generator)
            let query = damaged(presigned.query, &generator)
            let requests = [signed.replacing("authorization", header), presigned.with(query: query)]
            for request in requests {
                guard
                    let claim = try? SignatureClaim(
                        request,
                        rules: SignedExample.rules,
                        now: SignedExample.now
                    )
                else { continue }
                formed += 1
                let isTaken = (try? claim.verify(request, with: key)) != nil
                // What says the same in other words is the same request: blanks, empty parts, needless escapes.
                let isSame =
                    claim.signature
                    == (claim.isPresigned ? Self.signature(presigned) : Self.signature(signed))
                #expect(!isTaken || isSame, "seed \(seed), round \(count): \(header) / \(query)")
            }
        }
        #expect(count > 100 && formed > 0, "the damage leaves nothing to look at")
    }

    private static func signature(_ request: SigV4Request) -> [UInt8]? {
        try? SignatureClaim(request, rules: SignedExample.rules, now: SignedExample.now).signature
    }
}
