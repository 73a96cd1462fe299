internal import Coffer
internal import CofferKMS
internal import CofferSecrets
internal import CofferShapes
internal import CofferTesting
internal import Foundation
internal import Testing

extension ModuleTests {
    /// A home's seal with real tokens and a real, if silent, network.
    @Suite(.softHSM) struct HomeSealTests {
        let folder: TemporaryFolder
        let soft: SoftToken

        init() throws {
            folder = try TemporaryFolder()
            soft = try SoftToken()
        }

        private func prompts(
            passphrase: String? = nil,
            pin: String? = nil,
            environment: [String: String] = [:]
        ) -> SecretPrompts {
            SecretPrompts(
                passphrase: {
                    if passphrase == nil { Issue.record("a passphrase was asked for") }
                    return secret(Array((passphrase ?? "x").utf8))
                },
                pin: { [soft] label in
                    #expect(label == soft.label)
                    if pin == nil { Issue.record("a PIN was asked for") }
                    return secret(Array((pin ?? "x").utf8))
                },
                environment: environment
            )
        }

        private func seal(_ prompts: SecretPrompts) -> HomeSeal {
            HomeSeal(folder: folder.path("kms"), secrets: prompts)
        }

        private var target: SealTarget {
            .pkcs11(module: SoftHSM.module, token: soft.label, keyLabel: "coffer root")
        }

        private func code(_ body: () async throws -> Void) async -> AWSError? {
            do {
                try await body()
                return nil
            } catch { return error as? AWSError }
        }

        @Test func `first use makes a root key under the file seal and asks for nothing`() async throws {
            let seal = seal(prompts())
            #expect(try seal.state() == nil)
            let rootKey = bytes(of: try await seal.rootKey())
            #expect(rootKey.count == 32)
            #expect(try seal.state() == .file)
            #expect(bytes(of: try await seal.rootKey()) == rootKey)
        }

        @Test func `the root key moves into a token, between its keys, and out again`() async throws {
            let rootKey = bytes(of: try await seal(prompts()).rootKey())
            try await seal(prompts()).migrate(to: target, newSecrets: prompts(pin: soft.pin))
            let sealed = seal(prompts(pin: soft.pin))
            #expect(try sealed.state() == target)
            #expect(bytes(of: try await sealed.rootKey()) == rootKey)
            let text = String(decoding: try folder.bytes("kms/seal.json"), as: UTF8.self)
            #expect(!text.contains(Hex.lower(rootKey)) && !text.contains(soft.pin))
            #expect(try folder.names(in: "kms") == ["seal.json"])

            let second = SealTarget.pkcs11(module: SoftHSM.module, token: soft.label, keyLabel: "second")
            try await sealed.migrate(to: second, newSecrets: prompts(pin: soft.pin))
            #expect(try sealed.state() == second)
            #expect(bytes(of: try await sealed.rootKey()) == rootKey)

            try await sealed.migrate(to: .passphrase, newSecrets: prompts(passphrase: "p"))
            try await seal(prompts(passphrase: "p")).migrate(to: .file, newSecrets: prompts())
            #expect(bytes(of: try await seal(prompts()).rootKey()) == rootKey)
        }

        @Test func `a home that was never used moves at once`() async throws {
            try await seal(prompts()).migrate(to: target, newSecrets: prompts(pin: soft.pin))
            #expect(try folder.names(in: "kms") == ["seal.json"])
            #expect(bytes(of: try await seal(prompts(pin: soft.pin)).rootKey()).count == 32)
        }

        @Test func `a wrong PIN opens nothing and moves nothing`() async throws {
            _ = try await seal(prompts()).rootKey()
            let into = await code {
                try await seal(prompts()).migrate(to: target, newSecrets: prompts(pin: "wrong"))
            }
            #expect(into?.code == .sealed)
            #expect(try seal(prompts()).state() == .file)
            try await seal(prompts()).migrate(to: target, newSecrets: prompts(pin: soft.pin))
            let before = try folder.bytes("kms/seal.json")
            let opened = await code { _ = try await seal(prompts(pin: "wrong")).rootKey() }
            let outOf = await code {
                try await seal(prompts(pin: "wrong")).migrate(to: .file, newSecrets: prompts())
            }
            for refused in [opened, outOf] {
                #expect(refused?.code == .sealed)
                #expect(refused?.message.contains("refused the PIN") == true)
            }
            #expect(try folder.bytes("kms/seal.json") == before)
            #expect(try folder.names(in: "kms") == ["seal.json"])
        }

        @Test func `without the token, or without its module, the home stays sealed`() async throws {
            try await seal(prompts()).migrate(to: target, newSecrets: prompts(pin: soft.pin))
            let text = String(decoding: try folder.bytes("kms/seal.json"), as: UTF8.self)
            let changes = [
                (SoftHSM.module, folder.path("no.so"), "no PKCS #11 module"),
                ("coffer root", "other root", "holds no such key"),
            ]
            for (from, to, words) in changes {
                let changed = text.replacingOccurrences(of: from, with: to)
                try #require(changed != text)
                try folder.write(Array(changed.utf8), to: "kms/seal.json")
                let refused = await code { _ = try await seal(prompts(pin: soft.pin)).rootKey() }
                #expect(refused?.code == .sealed)
                #expect(refused?.message.contains(words) == true)
            }
            try folder.write(Array(text.utf8), to: "kms/seal.json")
            // No module is in use between two openings, so the tokens are looked for anew.
            let tokens = try SoftHSM.tokens()
            try FileManager.default.moveItem(atPath: tokens, toPath: tokens + ".away")
            try FileManager.default.createDirectory(atPath: tokens, withIntermediateDirectories: false)
            let gone = await code { _ = try await seal(prompts(pin: soft.pin)).rootKey() }
            try FileManager.default.removeItem(atPath: tokens)
            try FileManager.default.moveItem(atPath: tokens + ".away", toPath: tokens)
            #expect(gone?.code == .sealed)
            #expect(gone?.message.contains("no token is labelled") == true)
            #expect(bytes(of: try await seal(prompts(pin: soft.pin)).rootKey()).count == 32)
        }

        @Test func `a KMS that nobody runs seals nothing, and opens nothing`() async throws {
            let environment = [
                "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "example",
                "AWS_REGION": "us-east-1",
            ]
            _ = try await seal(prompts()).rootKey()
            let key = KeyReference(
                "arn:aws:kms:us-east-1:111122223333:key/12345678-1234-4123-8123-123456789012"
            )
            let silent = SealTarget.awsKMS(key: key, endpoint: "http://127.0.0.1:1", region: nil)
            let refused = await code {
                try await seal(prompts()).migrate(to: silent, newSecrets: prompts(environment: environment))
            }
            #expect(refused?.code.name == "Coffer.KMSUnreachable")
            #expect(try seal(prompts()).state() == .file)
            let document = """
                {"aws-kms":{"ciphertextBlob":"AAAA","endpoint":"http://127.0.0.1:1","key":"\(key)"},"kind":"aws-kms",\
                "version":1}
                """
            try folder.write(Array(document.utf8), to: "kms/seal.json")
            let opened = await code { _ = try await seal(prompts(environment: environment)).rootKey() }
            #expect(opened?.code == .sealed)
            #expect(opened?.message.contains("127.0.0.1:1") == true)
            #expect(opened?.hint != nil)
        }

        @Test func `an endpoint that is no URL is a mistake in the call`() async throws {
            _ = try await seal(prompts()).rootKey()
            let target = SealTarget.awsKMS(
                key: KeyReference("alias/homes"),
                endpoint: "nowhere",
                region: Region("us-east-1")
            )
            let refused = await code {
                try await seal(prompts()).migrate(to: target, newSecrets: prompts())
            }
            #expect(refused?.code.kind == .usage)
        }
    }
}
