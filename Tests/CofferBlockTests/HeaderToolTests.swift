import CofferCrypto
import CofferSecrets
import CofferShapes
import CofferTesting
import CofferXTS
import Foundation
import Testing

@testable import CofferBlock

/// tools/decrypt-volume.py knows the format from docs/format.md alone: what it reads, another implementation
/// can.
@Suite(.enabled(if: Python.isThere, "SKIPPED: python3 with the package `cryptography` is not installed"))
struct HeaderToolTests {
    private static let tool = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("tools/decrypt-volume.py").path

    @Test(arguments: [512, 4096], Geometry.Cipher.allCases)
    func `the tool decrypts what the engine encrypts`(unit: Int, cipher: Geometry.Cipher) throws {
        let volume = try Volume(unit, cipher)
        let whole = try Self.decrypt(volume, offset: 0, count: 8 * unit)
        #expect(whole.status == 0, "\(whole.errors)")
        #expect(whole.output == volume.plaintext)
        // Unit 3 is a hole.
        #expect(volume.plaintext[3 * unit..<4 * unit].allSatisfy { $0 == 0 })
        let part = try Self.decrypt(volume, offset: unit + 100, count: 3 * unit)
        #expect(part.output == Array(volume.plaintext[unit + 100..<4 * unit + 100]))
    }

    @Test
    func
        `the tool reads copy B where copy A is damaged, and refuses forgery, wrong key and range`()
        throws
    {
        let volume = try Volume(4096, .aes256XTS)
        try volume.change { HeaderSubject.damage($0, .a) }
        #expect(try Self.decrypt(volume, offset: 0, count: 4096).status == 0)
        #expect(try Self.decrypt(volume, offset: 1 << 20, count: 1).status == 2)
        let wrongKey = try Self.decrypt(volume, offset: 0, count: 1, key: [UInt8](repeating: 1, count: 64))
        #expect(wrongKey.status == 1 && wrongKey.output.isEmpty)
        try volume.change { store in
            HeaderSubject.forge(store, [.b]) { $0.store(littleEndian: UInt64(9), at: HeaderLayout.sequence) }
        }
        let forged = try Self.decrypt(volume, offset: 0, count: 4096)
        #expect(forged.status == 1 && forged.output.isEmpty)
        #expect(forged.errors.contains("tampered"))
        #expect(forged.errors.split(separator: "\n").count == 1)
        try volume.change { HeaderSubject.damage($0, .b) }
        #expect(try Self.decrypt(volume, offset: 0, count: 4096).status == 1)
    }

    @Test
    func
        `the tool refuses a newer format in either copy, and features that it does not know`()
        throws
    {
        let volume = try Volume(4096, .aes256XTS)
        let whole = try Data(contentsOf: URL(fileURLWithPath: volume.path))
        let refusal = { (words: String, change: (MemoryBlockStore) throws -> Void) in
            try whole.write(to: URL(fileURLWithPath: volume.path))
            try volume.change(change)
            let outcome = try Self.decrypt(volume, offset: 0, count: 4096)
            #expect(outcome.status == 1 && outcome.output.isEmpty)
            #expect(outcome.errors.contains(words), "\(outcome.errors)")
        }
        for place in HeaderCopy.allCases {
            try refusal("format version 2") { store in
                HeaderSubject.forge(store, [place]) { copy in
                    copy.store(littleEndian: UInt16(2), at: HeaderLayout.majorVersion)
                }
            }
            try refusal("features") { store in
                HeaderSubject.forge(store, [place]) { copy in
                    copy.store(littleEndian: UInt32(1), at: HeaderLayout.incompatibleFlags)
                    copy.store(littleEndian: UInt32(1024), at: HeaderLayout.dataUnitSize)
                }
            }
        }
        try refusal("features") { store in
            try HeaderSubject.sign(store) { copy in
                copy.store(littleEndian: UInt32(1), at: HeaderLayout.incompatibleFlags)
            }
        }
        try refusal("features") { store in
            try HeaderSubject.sign(store) { copy in
                copy.store(littleEndian: UInt16(0x8009), at: HeaderLayout.extensionArea.lowerBound)
            }
        }
        try refusal("tampered") { store in
            HeaderSubject.forge(store) { copy in
                copy.store(littleEndian: UInt32(1), at: HeaderLayout.incompatibleFlags)
            }
        }
    }

    @Test func `the tool gives the KMS blob and context by pipe and argument, and takes the key by pipe`()
        throws
    {
        let volume = try Volume(4096, .aes256XTS)
        let (command, blob) = (volume.folder.path("coffer"), volume.folder.path("blob"))
        try Data(HeaderSubject.volumeKeyBytes).write(to: URL(fileURLWithPath: volume.folder.path("key")))
        let script = """
            #!/bin/sh
            echo "$@" > \(volume.folder.path("arguments"))
            cat > \(blob)
            cat \(volume.folder.path("key"))
            """
        try Data(script.utf8).write(to: URL(fileURLWithPath: command))
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: command)
        let outcome = try Python.run([
            Self.tool, volume.path, "--offset", "0", "--count", "4096", "--coffer", command, "--home",
            "/home",
        ])
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.output == Array(volume.plaintext.prefix(4096)))
        #expect(
            Array(try Data(contentsOf: URL(fileURLWithPath: blob)))
                == (try HeaderSubject.wrapped().blob.bytes)
        )
        let arguments = try String(contentsOfFile: volume.folder.path("arguments"), encoding: .utf8)
        let expected =
            "key decrypt --context aws:ebs:id=vol-0123456789abcdef0 --ciphertext-file - --plaintext-file - "
            + "--home /home\n"
        #expect(arguments == expected)
    }

    /// A volume file of eight encrypted units, the fourth of them a hole.
    private struct Volume {
        let folder: TemporaryFolder
        let path: String
        let plaintext: [UInt8]

        init(_ unit: Int, _ cipher: Geometry.Cipher) throws {
            folder = try TemporaryFolder()
            path = folder.path("volume.coffer")
            let geometry = try #require(Geometry(volumeBytes: 1 << 20, dataUnitBytes: unit, cipher: cipher))
            let store = try FileBlockStore(path: path, .create)
            let header = try HeaderSubject.create(in: store, geometry: geometry)
                .open(HeaderSubject.volumeKey(), mark: nil)
            let xts = try XTSCipher(key: header.xtsKey(from: HeaderSubject.volumeKey()))
            var plaintext = RepeatableByteSource(seed: 3).bytes(8 * unit)
            for index in 0..<8 where index != 3 {
                var run = Array(plaintext[index * unit..<(index + 1) * unit])
                var elements = run.mutableSpan
                var span = unsafe elements.mutableBytes
                try xts.encrypt(&span, first: UInt64(index), unitBytes: unit)
                try unsafe store.write(run.span.bytes, at: geometry.dataOffset + UInt64(index * unit))
            }
            plaintext.store([UInt8](repeating: 0, count: unit), at: 3 * unit)
            self.plaintext = plaintext
        }

        func change(_ body: (MemoryBlockStore) throws -> Void) throws {
            let store = MemoryBlockStore(Array(try Data(contentsOf: URL(fileURLWithPath: path))))
            try body(store)
            try Data(store.bytes).write(to: URL(fileURLWithPath: path))
        }
    }

    private static func decrypt(
        _ volume: Volume,
        offset: Int,
        count: Int,
        key: [UInt8] = HeaderSubject.volumeKeyBytes
    ) throws -> Python.Outcome {
        let keyPath = volume.folder.path("volume.key")
        try Data(key).write(to: URL(fileURLWithPath: keyPath))
        return try Python.run([
            tool, volume.path, "--offset", "\(offset)", "--count", "\(count)", "--volume-key-file", keyPath,
        ])
    }
}

private enum Python {
    struct Outcome {
        let status: Int32
        let output: [UInt8]
        let errors: String
    }

    static let isThere = (try? run(["-c", "import cryptography"]))?.status == 0

    /// Runs python3 to its end. Its output is small: neither pipe fills while the other is read.
    static func run(_ arguments: [String]) throws -> Outcome {
        let process = Process()
        let (output, errors) = (Pipe(), Pipe())
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3"] + arguments
        (process.standardOutput, process.standardError) = (output, errors)
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let out = output.fileHandleForReading.readDataToEndOfFile()
        let err = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return Outcome(
            status: process.terminationStatus,
            output: Array(out),
            errors: String(decoding: err, as: UTF8.self)
        )
    }
}
