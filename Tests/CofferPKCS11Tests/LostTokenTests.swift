internal import CofferSecrets
internal import CofferShapes
internal import CofferTesting
internal import Testing

extension ModuleTests {
    /// Sessions and tokens that go away under our feet.
    @Suite(.enabled(if: FakeModule.obstacle == nil, "NO LOST TOKEN IS TESTED: \(FakeModule.obstacle ?? "")"))
    struct LostTokenTests {
        private static let label: [UInt8] = [1]

        private func open(_ faults: [String] = []) throws -> (FakeModule, any HardwareToken) {
            let module = try FakeModule(faults)
            let token = try module.connect()
            try token.generateKey(label: Self.label)
            return (module, token)
        }

        private static func wrap(_ token: any HardwareToken) throws {
            _ = try token.wrap(secret([1]), keyLabel: label, additionalData: [])
        }

        private static func problemsOfWrapping(_ token: any HardwareToken, inThreads count: Int) -> [String] {
            inParallel(count) { _ in
                try wrap(token)
                return nil
            }
        }

        @Test func `lost sessions are opened again, with a new login, and nobody notices`() throws {
            let (module, token) = try open()
            defer { token.close() }
            #expect(module["fake_logins"] == 1)
            module["fake_lost"] = 1
            try Self.wrap(token)
            #expect(module["fake_logins"] == 2)
            module["fake_lost"] = 1
            try token.check()
            #expect(module["fake_logins"] == 3)
            #expect(module["fake_open"] == 1)
        }

        @Test func `all sessions may be lost at once`() throws {
            let (module, token) = try open(["SLOW"])
            defer { token.close() }
            #expect(Self.problemsOfWrapping(token, inThreads: 4) == [])
            module["fake_lost"] = 1
            try Self.wrap(token)
            #expect(module["fake_open"] == 1)
        }

        @Test func `a deleted key is not used through a handle that the token still takes`() throws {
            let (_, token) = try open()
            defer { token.close() }
            try Self.wrap(token)
            try token.deleteKey(label: Self.label)
            #expect(throws: HardwareTokenError.keyNotFound) { try Self.wrap(token) }
        }

        @Test func `a removed token is gone, and usable again once it is back`() throws {
            let (module, token) = try open()
            defer { token.close() }
            module["fake_removed"] = 1
            #expect(throws: HardwareTokenError.gone) { try Self.wrap(token) }
            #expect(throws: HardwareTokenError.gone) { try token.check() }
            module["fake_removed"] = 0
            try token.check()
            try Self.wrap(token)
        }

        @Test func `another token of the same label gets no PIN`() throws {
            let (module, token) = try open()
            defer { token.close() }
            module["fake_serial"] = 1
            #expect(throws: HardwareTokenError.gone) { try token.check() }
            module["fake_lost"] = 1
            #expect(throws: HardwareTokenError.gone) { try Self.wrap(token) }
            #expect(module["fake_logins"] == 1)
        }

        @Test func `a PIN that is refused after a loss is not tried again`() throws {
            let (module, token) = try open()
            defer { token.close() }
            module["fake_pin_changed"] = 1
            module["fake_lost"] = 1
            for _ in 0..<5 {
                #expect(throws: HardwareTokenError.wrongPIN) { try Self.wrap(token) }
            }
            #expect(module["fake_logins"] == 2)
            // A new connection asks the token afresh, and stands on its own.
            module["fake_pin_changed"] = 0
            let again = try module.connect()
            defer { again.close() }
            token.close()
            try again.check()
            try Self.wrap(again)
        }

        @Test func `a key is not made twice where an answer is lost`() throws {
            let module = try FakeModule()
            let token = try module.connect()
            defer { token.close() }
            module["fake_lost"] = 1
            try token.generateKey(label: Self.label)
            #expect(module["fake_keys"] == 1)
        }

        @Test func `threads have a session each, as long as the token has any`() throws {
            let (module, token) = try open(["SLOW"])
            defer { token.close() }
            #expect(Self.problemsOfWrapping(token, inThreads: 4) == [])
            #expect(module["fake_most_open"] == 4)
        }

        @Test func `threads share what sessions a token has`() throws {
            let (module, token) = try open(["SLOW", "SESSION_LIMIT=2"])
            defer { token.close() }
            #expect(Self.problemsOfWrapping(token, inThreads: 6) == [])
            #expect(module["fake_most_open"] == 2)
        }

        @Test func `sixteen sessions are the most that a token is asked for`() throws {
            let (module, token) = try open(["SLOW"])
            defer { token.close() }
            #expect(Self.problemsOfWrapping(token, inThreads: 20) == [])
            #expect(module["fake_most_open"] == 16)
        }

        @Test func `a token without a session to give says so`() throws {
            let module = try FakeModule(["SESSION_LIMIT=0"])
            #expect(throws: HardwareTokenError.failed(function: "C_OpenSession", code: 0xB1)) {
                try module.connect()
            }
        }

        @Test func `closing waits for the verbs under way`() throws {
            let (module, token) = try open(["SLOW"])
            let problems = inParallel(4) { thread in
                if thread == 0 { token.close() }
                do { try Self.wrap(token) } catch HardwareTokenError.gone {}
                return nil
            }
            #expect(problems == [])
            #expect(module["fake_open"] == 0)
            #expect(module["fake_initialised"] == 0)
        }
    }
}
