internal import CofferPKCS11
internal import CofferSecrets
internal import CofferShapes
internal import CofferTesting
internal import Foundation
internal import Testing

extension ModuleTests {
    @Suite(.softHSM) struct PKCS11SealTests {
        let soft: SoftToken
        let rootKey = [UInt8](repeating: 0x5A, count: 32)

        init() throws { soft = try SoftToken() }

        private func prompt(_ text: String) -> PINPrompt { { secret(Array(text.utf8)) } }

        /// For where nobody may be asked.
        private static let unasked: PINPrompt = {
            Issue.record("a PIN was asked for")
            return secret([1])
        }

        private func seal() async throws -> HardwareSealRecord {
            try await PKCS11Seal.wrap(
                secret(rootKey),
                module: SoftHSM.module,
                tokenLabel: soft.label,
                keyLabel: "coffer root",
                pin: prompt(soft.pin)
            )
        }

        private func expectSealed(
            _ record: HardwareSealRecord,
            _ pin: @escaping PINPrompt,
            _ code: AWSError.Code = .sealed,
            _ words: String
        ) async throws {
            do {
                _ = try await PKCS11Seal(record: record, pin: pin).unseal()
                Issue.record("unsealed")
            } catch let error as AWSError {
                #expect(error.code == code)
                #expect(error.message.contains(words), "\(error)")
                #expect(!error.message.contains(soft.pin))
            }
        }

        @Test func `the token and its PIN give the root key back, at every start`() async throws {
            let record = try await seal()
            #expect(record.wrappedRootKey.count == 2 * (12 + 32 + 16))
            #expect(!record.wrappedRootKey.contains("5a5a5a5a"))
            let stored = try JSONDecoder().decode(
                HardwareSealRecord.self,
                from: JSONEncoder().encode(record)
            )
            #expect(stored == record)
            for _ in 0..<2 {
                let unsealed = try await PKCS11Seal(record: stored, pin: prompt(soft.pin)).unseal()
                #expect(bytes(of: unsealed) == rootKey)
            }
        }

        @Test func `sealing again uses the same key in the token`() async throws {
            let first = try await seal()
            let second = try await seal()
            #expect(first != second)
            for record in [first, second] {
                let unsealed = try await PKCS11Seal(record: record, pin: prompt(soft.pin)).unseal()
                #expect(bytes(of: unsealed) == rootKey)
            }
        }

        @Test func `a wrong PIN leaves it sealed`() async throws {
            try await expectSealed(try await seal(), prompt("wrong"), .sealed, "refused the PIN")
        }

        @Test func `another token of the same label leaves it sealed`() async throws {
            var record = try await seal()
            let other = try SoftToken()
            record.tokenLabel = other.label
            try await expectSealed(record, prompt(other.pin), .sealed, "holds no such key")
            record.tokenLabel = "nowhere"
            try await expectSealed(record, prompt(other.pin), .sealed, "no token is labelled \"nowhere\"")
        }

        @Test func `a changed record leaves it sealed`() async throws {
            var record = try await seal()
            let last: Character = record.wrappedRootKey.last == "0" ? "1" : "0"
            record.wrappedRootKey = String(record.wrappedRootKey.dropLast()) + String(last)
            try await expectSealed(record, prompt(soft.pin), .sealed, "could not decrypt")
        }

        @Test(arguments: ["", "00", "zz", String(repeating: "0", count: 122)])
        func `a damaged record gets no PIN typed for nothing`(text: String) async throws {
            let record = HardwareSealRecord(
                module: SoftHSM.module,
                tokenLabel: soft.label,
                keyLabel: "coffer root",
                wrappedRootKey: text
            )
            try await expectSealed(record, Self.unasked, .damaged, "no wrapped root key")
        }

        @Test func `nothing else in the token unseals, whatever wrapped it`() async throws {
            var record = try await seal()
            let token = try soft.connect()
            let label = Array("coffer root".utf8)
            let wrapped = try token.wrap(secret(rootKey), keyLabel: label, additionalData: [])
            token.close()
            record.wrappedRootKey = Hex.lower(wrapped)
            try await expectSealed(record, prompt(soft.pin), .sealed, "could not decrypt")
        }
    }
}
