import CofferTesting
import Foundation
import Testing

/// A change by one process counts in the very next call of every other.
@Suite struct CurrencyTests {
    /// How often the key is disabled and enabled; the long run asks for 1000.
    static let turns = Int(ProcessInfo.processInfo.environment["COFFER_TURNS"] ?? "") ?? 40

    @Test
    func `a key that a command disables is refused by the server's next answer, and the other way round`()
        throws
    {
        let coffer = try CofferProgram()
        let id = try coffer.succeed("key", "create")
        let key = try AccessKeyText(of: "root", coffer)
        let server = try ServeProcess(over: coffer)
        let client = try BotoClient(server.url, key)
        try client.require("encrypt \(id)", "ok")
        for turn in 0..<Self.turns {
            _ = try coffer.succeed("key", "disable", id)
            try client.require("decrypt", "DisabledException", "turn \(turn)")
            _ = try coffer.succeed("key", "enable", id)
            try client.require("decrypt", "ok", "turn \(turn)")
        }
        #expect(server.stop() == 0)
    }

    @Test func `a user's access key and policy count from the next request on`() throws {
        let coffer = try CofferProgram()
        let id = try coffer.succeed("key", "create")
        _ = try coffer.succeed("user", "create", "bob")
        let key = try AccessKeyText(of: "bob", coffer)
        let server = try ServeProcess(over: coffer)
        let client = try BotoClient(server.url, key)
        let policy = coffer.folder.path("policy.json")
        try Data(
            #"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:*","Resource":"*"}}"#.utf8
        ).write(to: URL(fileURLWithPath: policy))
        try client.require("encrypt \(id)", "AccessDeniedException")
        for _ in 0..<5 {
            _ = try coffer.succeed("user", "policy", "put", "bob", "all", policy)
            try client.require("encrypt \(id)", "ok")
            _ = try coffer.succeed("user", "policy", "rm", "bob", "all")
            try client.require("encrypt \(id)", "AccessDeniedException")
        }
        _ = try coffer.succeed("user", "access-key", "disable", key.AccessKeyId)
        try client.require("encrypt \(id)", "UnrecognizedClientException")
    }
}

/// boto3 in a process of its own that is asked line by line.
private final class BotoClient {
    private let process = Process()
    private let questions = Pipe()
    private let answers = Pipe()

    init(_ url: String, _ key: AccessKeyText) throws {
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [PythonForTests.path, "-c", Self.script, url]
        process.environment = key.environment.merging(["PATH": "/usr/bin:/bin"]) { old, _ in old }
        process.standardInput = questions
        process.standardOutput = answers
        try process.run()
    }

    deinit {
        questions.fileHandleForWriting.closeFile()
        process.waitUntilExit()
    }

    func require(_ question: String, _ wanted: String, _ comment: String = "") throws {
        try questions.fileHandleForWriting.write(contentsOf: Data((question + "\n").utf8))
        var line = Data()
        while let byte = try answers.fileHandleForReading.read(upToCount: 1), byte != Data("\n".utf8) {
            guard !byte.isEmpty else { break }
            line += byte
        }
        let answer = String(decoding: line, as: UTF8.self)
        try #require(answer == wanted, "\(question) \(comment)")
    }

    private static let script = """
        import sys, boto3
        from botocore.config import Config
        from botocore.exceptions import ClientError
        kms = boto3.client("kms", endpoint_url=sys.argv[1], config=Config(retries={"max_attempts": 0}))
        blob = b""
        for line in sys.stdin:
            words = line.split()
            try:
                if words[0] == "encrypt":
                    blob = kms.encrypt(KeyId=words[1], Plaintext=b"x")["CiphertextBlob"]
                else:
                    kms.decrypt(CiphertextBlob=blob)
                print("ok", flush=True)
            except ClientError as error:
                print(error.response["Error"]["Code"], flush=True)
        """
}

/// The Python with boto3 that `tools/test` makes.
enum PythonForTests {
    static let path: String = {
        let made = "\(CofferProgram.repository)/.build-python/bin/python"
        return FileManager.default.isExecutableFile(atPath: made) ? made : "python3"
    }()
}
