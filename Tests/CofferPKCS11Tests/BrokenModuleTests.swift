internal import CofferSecrets
internal import CofferShapes
internal import CofferTesting
internal import Testing

extension ModuleTests {
    /// What a broken or hostile module can do to us without being caught: nothing that its answers say.
    @Suite(
        .enabled(if: FakeModule.obstacle == nil, "NO BROKEN MODULE IS TESTED: \(FakeModule.obstacle ?? "")")
    )
    struct BrokenModuleTests {
        private static let label: [UInt8] = [1]

        private func expect(_ sentence: String, _ body: () throws -> Void) {
            #expect {
                try body()
            } throws: { error in
                guard case .unsupported(let words) = error as? HardwareTokenError else { return false }
                return words.contains(sentence)
            }
        }

        @Test(arguments: [
            ("NO_ENTRY", "is not a PKCS #11 module"), ("NULL_LIST", "gives no list of functions"),
            ("NO_LIST", "gives no list of functions"), ("NULL_FUNCTION", "lacks a PKCS #11 function"),
            ("VERSION_1", "another version of PKCS #11"),
            ("MANY_SLOTS", "claims 18446744073709551615 slots"), ("MORE_SLOTS", "more slots than fit"),
            ("NO_GCM", "cannot encrypt with AES-GCM"), ("NO_DECRYPT", "cannot encrypt with AES-GCM"),
        ])
        func `a module that cannot be used is refused when it is opened`(fault: String, words: String) throws
        {
            let module = try FakeModule([fault])
            expect(words) { try module.connect().close() }
            #expect(module["fake_initialised"] == 0)
        }

        @Test func `the fake module is a module`() throws {
            let module = try FakeModule()
            let token = try module.connect()
            try token.generateKey(label: Self.label)
            let wrapped = try token.wrap(secret([1, 2, 3]), keyLabel: Self.label, additionalData: [])
            #expect(wrapped.suffix(19) == [254, 253, 252] + [UInt8](repeating: 0, count: 16))
            #expect(
                bytes(of: try token.unwrap(wrapped, keyLabel: Self.label, additionalData: [])) == [1, 2, 3]
            )
            #expect(module["fake_initialised"] == 1)
            token.close()
            #expect(module["fake_initialised"] == 0)
        }

        @Test func `a found count past the buffer is refused`() throws {
            let token = try FakeModule(["MANY_FOUND"]).connect()
            defer { token.close() }
            expect("found more keys than fit") { _ = try token.hasKey(label: Self.label) }
        }

        @Test(arguments: ["EXTRACTABLE", "NO_ATTRIBUTE", "TWIN"])
        func `a key that may leave the token, or is not alone, is taken away again`(fault: String) throws {
            let module = try FakeModule([fault])
            let token = try module.connect()
            defer { token.close() }
            #expect(throws: HardwareTokenError.self) { try token.generateKey(label: Self.label) }
            #expect(module["fake_keys"] == (fault == "TWIN" ? 1 : 0))
        }

        @Test(arguments: ["LONG_RESULT", "SHORT_RESULT"])
        func `a ciphertext of a wrong length is refused`(fault: String) throws {
            let token = try FakeModule([fault]).connect()
            defer { token.close() }
            try token.generateKey(label: Self.label)
            expect("which is not AES-GCM") {
                _ = try token.wrap(secret([1, 2, 3]), keyLabel: Self.label, additionalData: [])
            }
        }

        @Test(arguments: ["LONG_PLAINTEXT", "SHORT_PLAINTEXT"])
        func `a plaintext of a wrong length is refused`(fault: String) throws {
            let token = try FakeModule([fault]).connect()
            defer { token.close() }
            try token.generateKey(label: Self.label)
            expect("which is not AES-GCM") {
                _ = try token.unwrap(
                    [UInt8](repeating: 0, count: 60),
                    keyLabel: Self.label,
                    additionalData: []
                )
            }
        }

        @Test func `an IV that the token makes itself is the one that is kept`() throws {
            let token = try FakeModule(["OWN_IV"]).connect()
            defer { token.close() }
            try token.generateKey(label: Self.label)
            let wrapped = try token.wrap(secret([1]), keyLabel: Self.label, additionalData: [])
            #expect(wrapped.prefix(12) == [UInt8](repeating: 0xAA, count: 12)[...])
        }

        @Test func `a failure without a meaning of its own carries function and code`() throws {
            let module = try FakeModule(["FAILS"])
            let token = try module.connect()
            defer { token.close() }
            try token.generateKey(label: Self.label)
            #expect(throws: HardwareTokenError.failed(function: "C_Encrypt", code: 5)) {
                _ = try token.wrap(secret([1]), keyLabel: Self.label, additionalData: [])
            }
            // The session that failed was closed, and the next verb has a new one.
            #expect(module["fake_open"] == 0)
            try token.check()
        }

        @Test func `a token that decrypts nothing has failed, and is not taken for a wrong tag`() throws {
            for (faults, expected) in [
                (["NEVER_DECRYPTS"], HardwareTokenError.failed(function: "C_Decrypt", code: 5)),
                ([], HardwareTokenError.authenticationFailed),
            ] {
                let token = try FakeModule(faults).connect()
                defer { token.close() }
                try token.generateKey(label: Self.label)
                #expect(throws: expected) {
                    _ = try token.unwrap(
                        [UInt8](repeating: 1, count: 60),
                        keyLabel: Self.label,
                        additionalData: []
                    )
                }
            }
        }

        @Test func `a locked and an expired PIN are told apart`() throws {
            #expect(throws: HardwareTokenError.pinLocked) { try FakeModule(["LOCKED"]).connect() }
            #expect(throws: HardwareTokenError.failed(function: "C_Login", code: 0xA3)) {
                try FakeModule(["EXPIRED"]).connect()
            }
        }
    }
}
