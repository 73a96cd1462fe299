internal import CofferPKCS11
internal import CofferSecrets
internal import CofferShapes
internal import CofferTesting
internal import Foundation
internal import Testing

extension ModuleTests {
    @Suite(.softHSM) struct TokenTests {
        let soft: SoftToken
        let token: any HardwareToken
        let label = Array("key".utf8)
        let place = Array("place".utf8)

        init() throws {
            soft = try SoftToken()
            token = try soft.connect()
            try token.generateKey(label: label)
        }

        private func wrap(_ bytes: [UInt8]) throws -> [UInt8] {
            try token.wrap(secret(bytes), keyLabel: label, additionalData: place)
        }

        private func unwrap(_ wrapped: [UInt8]) throws -> [UInt8] {
            bytes(of: try token.unwrap(wrapped, keyLabel: label, additionalData: place))
        }

        @Test(arguments: [1, 32, 4096]) func `a secret unwraps to itself`(count: Int) throws {
            defer { token.close() }
            let plaintext = SystemByteSource().bytes(count)
            let wrapped = try wrap(plaintext)
            #expect(wrapped.count == 12 + count + 16)
            #expect(try unwrap(wrapped) == plaintext)
            #expect(try wrap(plaintext) != wrapped, "an IV was used twice")
        }

        @Test func `no additional data is additional data too`() throws {
            defer { token.close() }
            let wrapped = try token.wrap(secret([1, 2, 3]), keyLabel: label, additionalData: [])
            #expect(
                bytes(of: try token.unwrap(wrapped, keyLabel: label, additionalData: [])) == [1, 2, 3]
            )
            #expect(throws: HardwareTokenError.authenticationFailed) { try unwrap(wrapped) }
        }

        @Test func `other additional data does not unwrap`() throws {
            defer { token.close() }
            let wrapped = try wrap([1, 2, 3])
            #expect(throws: HardwareTokenError.authenticationFailed) {
                _ = try token.unwrap(wrapped, keyLabel: label, additionalData: Array("Place".utf8))
            }
            #expect(try unwrap(wrapped) == [1, 2, 3])
        }

        @Test func `a flipped bit anywhere does not unwrap`() throws {
            defer { token.close() }
            let wrapped = try wrap([UInt8](repeating: 7, count: 32))
            for index in wrapped.indices {
                var damaged = wrapped
                damaged[index] ^= 1 << (index % 8)
                #expect(throws: HardwareTokenError.authenticationFailed, "byte \(index)") {
                    try unwrap(damaged)
                }
            }
            #expect(try unwrap(wrapped) == [UInt8](repeating: 7, count: 32))
        }

        @Test(arguments: [0, 12, 28, 12 + 4097 + 16])
        func `bytes of no possible length do not unwrap`(count: Int) throws {
            defer { token.close() }
            #expect(throws: HardwareTokenError.authenticationFailed) {
                try unwrap([UInt8](repeating: 0, count: count))
            }
        }

        @Test func `a cut secret does not unwrap`() throws {
            defer { token.close() }
            let wrapped = try wrap([1, 2, 3])
            #expect(throws: HardwareTokenError.authenticationFailed) {
                try unwrap(Array(wrapped.dropLast()))
            }
        }

        @Test func `another key does not unwrap`() throws {
            defer { token.close() }
            let wrapped = try wrap([1, 2, 3])
            try token.generateKey(label: [0, 255, 1])
            #expect(throws: HardwareTokenError.authenticationFailed) {
                _ = try token.unwrap(wrapped, keyLabel: [0, 255, 1], additionalData: place)
            }
        }

        @Test func `a key that is not there is told`() throws {
            defer { token.close() }
            #expect(try !token.hasKey(label: [1]))
            #expect(try token.hasKey(label: label))
            #expect(throws: HardwareTokenError.keyNotFound) { try token.deleteKey(label: [1]) }
            #expect(throws: HardwareTokenError.keyNotFound) {
                _ = try token.wrap(secret([1]), keyLabel: [1], additionalData: [])
            }
            #expect(throws: HardwareTokenError.keyNotFound) {
                _ = try token.unwrap(wrap([1]), keyLabel: [1], additionalData: [])
            }
        }

        @Test func `a label names one key`() throws {
            defer { token.close() }
            let wrapped = try wrap([1, 2, 3])
            #expect(
                throws: HardwareTokenError.unsupported("the token already holds a key with this label")
            ) {
                try token.generateKey(label: label)
            }
            #expect(try unwrap(wrapped) == [1, 2, 3])
        }

        @Test func `what does not fit is refused before the token sees it`() throws {
            defer { token.close() }
            #expect(throws: HardwareTokenError.unsupported("a token wraps at most 4096 bytes at once")) {
                try wrap([UInt8](repeating: 0, count: 4097))
            }
            for count in [0, 256] {
                #expect(
                    throws: HardwareTokenError.unsupported(
                        "a key's label has 1 to 255 bytes, and this one has \(count)"
                    )
                ) {
                    try token.generateKey(label: [UInt8](repeating: 1, count: count))
                }
            }
        }

        @Test func `a deleted key is gone for every session, and its label is free`() throws {
            defer { token.close() }
            let wrapped = try wrap([1, 2, 3])
            // Several sessions that remember the key.
            let problems = inParallel(4) { _ in
                for _ in 0..<20 { _ = try wrap([9]) }
                return nil
            }
            #expect(problems == [])
            try token.deleteKey(label: label)
            #expect(try !token.hasKey(label: label))
            let left = inParallel(4) { _ in
                do { _ = try wrap([9]) } catch HardwareTokenError.keyNotFound { return nil }
                return "a deleted key encrypts"
            }
            #expect(left == [])
            try token.generateKey(label: label)
            #expect(throws: HardwareTokenError.authenticationFailed) { try unwrap(wrapped) }
        }

        @Test func `a key that another program deletes is missed, and its successor is found`() throws {
            defer { token.close() }
            _ = try wrap([1])
            let other = try RawToken(module: SoftHSM.module, tokenLabel: soft.label)
            try other.destroy(try #require(other.keys(label: label).first))
            #expect(throws: HardwareTokenError.keyNotFound) { try wrap([1]) }
            try token.generateKey(label: label)
            #expect(try unwrap(wrap([1])) == [1])
        }

        @Test func `threads wrap and unwrap at once`() throws {
            defer { token.close() }
            let problems = inParallel(2) { thread in
                for round in 0..<200 {
                    let plaintext = [UInt8](repeating: UInt8(thread + 1), count: 1 + round)
                    guard try unwrap(wrap(plaintext)) == plaintext else { return "round \(round) differs" }
                }
                return nil
            }
            #expect(problems == [])
        }

        @Test func `the token says that a key can never leave it, and gives no value`() throws {
            defer { token.close() }
            let other = try RawToken(module: SoftHSM.module, tokenLabel: soft.label)
            let key = try #require(other.keys(label: label).first)
            #expect(try other.flags(of: key) == RawToken.Flags(insideOnly: ()))
            #expect(try other.valueLength(of: key) == 32)
            #expect(other.readValue(of: key) == 0x11, "CKR_ATTRIBUTE_SENSITIVE")
        }

        @Test func `what was wrapped unwraps after a restart`() throws {
            let wrapped = try wrap([1, 2, 3])
            token.close()
            let again = try soft.connect()
            defer { again.close() }
            #expect(
                bytes(of: try again.unwrap(wrapped, keyLabel: label, additionalData: place)) == [1, 2, 3]
            )
        }

        @Test func `a closed token refuses every verb`() throws {
            let wrapped = try wrap([1])
            token.close()
            token.close()
            #expect(throws: HardwareTokenError.gone) { try token.check() }
            #expect(throws: HardwareTokenError.gone) { try token.hasKey(label: label) }
            #expect(throws: HardwareTokenError.gone) { try token.generateKey(label: [1]) }
            #expect(throws: HardwareTokenError.gone) { try token.deleteKey(label: label) }
            #expect(throws: HardwareTokenError.gone) { try wrap([1]) }
            #expect(throws: HardwareTokenError.gone) { try unwrap(wrapped) }
        }

        @Test func `closing one of two leaves the other logged in`() throws {
            let second = try soft.connect()
            let wrapped = try wrap([1, 2, 3])
            token.close()
            defer { second.close() }
            try second.check()
            #expect(
                bytes(of: try second.unwrap(wrapped, keyLabel: label, additionalData: place)) == [1, 2, 3]
            )
        }

        @Test func `two tokens of one module do not mix`() throws {
            token.close()
            let otherSoft = try SoftToken()
            let first = try soft.connect()
            let other = try otherSoft.connect()
            defer { other.close() }
            #expect(try !other.hasKey(label: label))
            let wrapped = try first.wrap(secret([1, 2, 3]), keyLabel: label, additionalData: place)
            try other.generateKey(label: label)
            first.close()
            #expect(throws: HardwareTokenError.authenticationFailed) {
                _ = try other.unwrap(wrapped, keyLabel: label, additionalData: place)
            }
        }
    }
}
