internal import CofferPKCS11
internal import CofferSecrets
internal import CofferShapes
internal import CofferTesting
internal import Foundation
internal import Testing

extension ModuleTests {
    @Suite(.softHSM) struct ConnectTests {
        private func connect(module: String, label: String = "any") throws {
            try PKCS11Connector().connect(module: module, tokenLabel: label, pin: secret([1, 2, 3, 4]))
                .close()
        }

        @Test func `a wrong PIN is refused, open or not, and stands in no text`() throws {
            let soft = try SoftToken()
            let wrong = "wrong-pin-7319"
            #expect(throws: HardwareTokenError.wrongPIN) { try soft.connect(pin: wrong) }
            let token = try soft.connect()
            // A module answers a second login with "already logged in", whatever the PIN.
            #expect(throws: HardwareTokenError.wrongPIN) { try soft.connect(pin: wrong) }
            try token.check()
            token.close()
            do {
                try soft.connect(pin: wrong).close()
                Issue.record("a wrong PIN was taken")
            } catch {
                for text in ["\(error)", String(reflecting: error), error.localizedDescription] {
                    #expect(!text.contains(wrong) && !text.contains("7319"))
                }
            }
            try soft.connect().close()
        }

        @Test func `a login of somebody else in this process does not stand in for the PIN`() throws {
            let soft = try SoftToken()
            let other = try RawToken(module: SoftHSM.module, tokenLabel: soft.label, initialises: true)
            defer { other.finalise() }
            try other.logIn(soft.pin)
            #expect(throws: HardwareTokenError.wrongPIN) { try soft.connect(pin: "wrong-pin") }
            try soft.connect().close()
            // Whoever initialised the module finalises it.
            #expect(other.isOpen)
        }

        @Test func `a module that is not there is told`() throws {
            #expect(throws: HardwareTokenError.moduleNotFound("/no/such/module.so")) {
                try connect(module: "/no/such/module.so")
            }
        }

        @Test(arguments: ["", "libsofthsm2.so", "./module.so", "/usr/lib\0/x.so"])
        func `a module has an absolute path`(path: String) throws {
            #expect(throws: HardwareTokenError.moduleNotFound(path)) { try connect(module: path) }
        }

        @Test func `a file that is no library is told`() throws {
            let folder = try TemporaryFolder()
            try folder.write(Array("text".utf8), to: "module.so")
            #expect {
                try connect(module: folder.path("module.so"))
            } throws: { error in
                "\(error)".hasPrefix("\(folder.path("module.so")) cannot be loaded: ")
            }
        }

        @Test func `a module that others can change is not loaded`() throws {
            let folder = try TemporaryFolder()
            let path = folder.path("module.so")
            try FileManager.default.copyItem(
                atPath: URL(fileURLWithPath: SoftHSM.module).resolvingSymlinksInPath().path,
                toPath: path
            )
            try FileManager.default.setAttributes([.posixPermissions: 0o666], ofItemAtPath: path)
            #expect(
                throws: HardwareTokenError.unsupported(
                    "the PKCS #11 module \(path) can be changed by other users: give it to root with mode 0644"
                )
            ) {
                try connect(module: path)
            }
        }

        @Test(arguments: ["no such token", "", String(repeating: "x", count: 33)])
        func `a token that is not there is told`(label: String) throws {
            _ = try SoftToken()
            #expect(throws: HardwareTokenError.tokenNotFound(label)) {
                try connect(module: SoftHSM.module, label: label)
            }
        }

        @Test func `two tokens of one label are not guessed between`() throws {
            let soft = try SoftToken()
            try SoftHSM.makeToken(label: soft.label, pin: soft.pin)
            #expect(
                throws: HardwareTokenError.unsupported(
                    "several tokens are labelled \"\(soft.label)\": rename all but one"
                )
            ) {
                try soft.connect()
            }
        }

        @Test func `a token whose store is taken away is lost, and back after a new connection`() throws {
            let soft = try SoftToken()
            let label = Array("key".utf8)
            let token = try soft.connect()
            try token.generateKey(label: label)
            let wrapped = try token.wrap(secret([1, 2, 3]), keyLabel: label, additionalData: [])
            let tokens = try SoftHSM.tokens()
            try FileManager.default.moveItem(atPath: tokens, toPath: tokens + ".away")
            do {
                defer { try? FileManager.default.moveItem(atPath: tokens + ".away", toPath: tokens) }
                #expect(throws: HardwareTokenError.self) { try token.generateKey(label: [2]) }
                #expect(throws: HardwareTokenError.self) { try token.check() }
                #expect(throws: HardwareTokenError.self) {
                    _ = try token.wrap(secret([1]), keyLabel: label, additionalData: [])
                }
            }
            token.close()
            let again = try soft.connect()
            defer { again.close() }
            #expect(
                bytes(of: try again.unwrap(wrapped, keyLabel: label, additionalData: [])) == [1, 2, 3]
            )
        }

        @Test func `a forked child is told that its token is gone`() throws {
            let soft = try SoftToken()
            let token = try soft.connect()
            defer { token.close() }
            let status = try exitStatusOfChild {
                do { try token.check() } catch HardwareTokenError.gone { return 42 } catch { return 1 }
                return 0
            }
            #expect(status == 42)
            try token.check()
        }
    }
}

/// Runs `body` in a forked child, which Swift does not offer as it is rarely right, and gives what it returned.
private func exitStatusOfChild(_ body: () -> Int32) throws -> Int32 {
    typealias Fork = @convention(c) () -> pid_t
    let symbol = unsafe try #require(unsafe dlsym(nil, "fork"))
    let child = unsafe unsafeBitCast(symbol, to: Fork.self)()
    if child == 0 { _exit(body()) }
    try #require(child > 0)
    var status: Int32 = 0
    unsafe waitpid(child, &status, 0)
    return status >> 8 & 0xFF
}
