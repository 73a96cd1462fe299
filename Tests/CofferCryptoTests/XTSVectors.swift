import CofferShapes
import CofferXTS
import Foundation
import Testing

/// One question to AES-XTS and its answer: a single data unit under a 128-bit tweak.
struct XTSVector: Sendable, CustomTestStringConvertible {
    enum Verdict: String, Sendable {
        case valid, invalid, acceptable
    }

    let testDescription: String
    let key: [UInt8]
    let number: XTSNumber
    let plaintext: [UInt8]
    let ciphertext: [UInt8]
    let verdict: Verdict

    /// Ciphertext stealing, which a block volume never needs, and no kernel has.
    var needsStealing: Bool { !plaintext.count.isMultiple(of: 16) }

    /// Whether key 1 and key 2 are one, which the cipher refuses.
    var hasEqualHalves: Bool { key.prefix(key.count / 2) == key.suffix(key.count / 2) }
}

/// A run of data units whose numbers count up from a first one.
struct XTSRunVector: Sendable {
    let name: String
    let key: [UInt8]
    let unitBytes: Int
    let first: UInt64
    let plaintext: [UInt8]
    /// Of the ciphertext; given whole where the file has it.
    let ciphertext: [UInt8]?
    let ciphertextSHA256: [UInt8]
}

/// The published vectors in Vectors/; each file names its source.
enum XTSVectors {
    static let unitFiles = [
        "xts-ieee1619", "xts-nist-128", "xts-nist-256-hex", "xts-nist-256-seq", "xts-wycheproof",
    ]
    static let runFiles = ["xts-multi-512", "xts-multi-4096-128", "xts-multi-4096-256"]

    private struct File<Row: Decodable>: Decodable {
        let vectors: [Row]
    }

    private struct UnitRow: Decodable {
        let id, key, tweak, pt, ct: String
        let result: String?
    }

    private struct RunRow: Decodable {
        let id, key, first_dun, ct_sha256: String
        let sector_size, sectors: Int
        let pt, ct, pt_shake256_of: String?
    }

    static func units(_ file: String) throws -> [XTSVector] {
        try load(file, UnitRow.self).map { row in
            let tweak = try bytes(row.tweak)
            try #require(tweak.count == 16)
            let halves = [tweak.prefix(8), tweak.suffix(8)].map { half in
                half.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            }
            return XTSVector(
                testDescription: row.id,
                key: try bytes(row.key),
                number: XTSNumber(low: halves[0], high: halves[1]),
                plaintext: try bytes(row.pt),
                ciphertext: try bytes(row.ct),
                verdict: try #require(XTSVector.Verdict(rawValue: row.result ?? "valid"))
            )
        }
    }

    static func runs(_ file: String) throws -> [XTSRunVector] {
        try load(file, RunRow.self).map { row in
            let count = row.sector_size * row.sectors
            let plaintext =
                try row.pt.map(bytes)
                ?? SHAKE256.bytes(of: Array(try #require(row.pt_shake256_of).utf8), count: count)
            try #require(plaintext.count == count)
            return XTSRunVector(
                name: row.id,
                key: try bytes(row.key),
                unitBytes: row.sector_size,
                first: try #require(UInt64(row.first_dun)),
                plaintext: plaintext,
                ciphertext: try row.ct.map(bytes),
                ciphertextSHA256: try bytes(row.ct_sha256)
            )
        }
    }

    private static func load<Row: Decodable>(_ file: String, _ row: Row.Type) throws -> [Row] {
        let url = try #require(Bundle.module.url(forResource: "Vectors/" + file, withExtension: "json"))
        return try JSONDecoder().decode(File<Row>.self, from: Data(contentsOf: url)).vectors
    }

    private static func bytes(_ hex: String) throws -> [UInt8] { try #require(Hex.bytes(hex)) }
}

/// SHAKE256 (FIPS 202), which some vectors' plaintext is made by. Slow and plain: for tests only.
enum SHAKE256 {
    private static let rateBytes = 136

    static func bytes(of message: [UInt8], count: Int) -> [UInt8] {
        var padded = message + [0x1F]
        padded += [UInt8](repeating: 0, count: (rateBytes - padded.count % rateBytes) % rateBytes)
        padded[padded.count - 1] |= 0x80
        var state = [UInt64](repeating: 0, count: 25)
        for block in stride(from: 0, to: padded.count, by: rateBytes) {
            for index in 0..<rateBytes {
                state[index / 8] ^= UInt64(padded[block + index]) << UInt64(index % 8 * 8)
            }
            permute(&state)
        }
        var output: [UInt8] = []
        while true {
            for index in 0..<rateBytes {
                if output.count == count { return output }
                output.append(UInt8(truncatingIfNeeded: state[index / 8] >> UInt64(index % 8 * 8)))
            }
            permute(&state)
        }
    }

    /// Keccak-f[1600]; the rotations and round constants are computed as FIPS 202 sections 3.2.2 and 3.2.5
    /// define them.
    private static func permute(_ lanes: inout [UInt64]) {
        var register: UInt8 = 1
        for _ in 0..<24 {
            var column = [UInt64](repeating: 0, count: 5)
            for index in 0..<25 { column[index % 5] ^= lanes[index] }
            for index in 0..<25 {
                lanes[index] ^= column[(index + 4) % 5] ^ rotate(column[(index + 1) % 5], 1)
            }
            var (x, y, moved) = (1, 0, lanes[1])
            for step in 0..<24 {
                (x, y) = (y, (2 * x + 3 * y) % 5)
                let next = lanes[x + 5 * y]
                lanes[x + 5 * y] = rotate(moved, UInt64((step + 1) * (step + 2) / 2 % 64))
                moved = next
            }
            for row in stride(from: 0, to: 25, by: 5) {
                let old = Array(lanes[row..<row + 5])
                for x in 0..<5 { lanes[row + x] = old[x] ^ (~old[(x + 1) % 5] & old[(x + 2) % 5]) }
            }
            for bit in 0..<7 {
                if register & 1 == 1 { lanes[0] ^= 1 << UInt64((1 << bit) - 1) }
                register = register << 1 ^ (register & 0x80 != 0 ? 0x71 : 0)
            }
        }
    }

    private static func rotate(_ lane: UInt64, _ count: UInt64) -> UInt64 {
        count == 0 ? lane : lane << count | lane >> (64 - count)
    }
}
