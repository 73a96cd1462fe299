import CofferJSON
import CofferSecrets
import CofferShapes
import Testing

@testable import CofferServer

@Suite struct ArgumentTests {
    private func arguments(_ body: String) throws -> Arguments {
        let bytes = Array(body.utf8)
        return Arguments(try JSONDocument(bytes).root, of: bytes)
    }

    @Test(
        arguments: [
            ("1700000000", 1_700_000_000_000_000_000), ("1700000000.125", 1_700_000_000_125_000_000),
            ("1.5e9", 1_500_000_000_000_000_000),
            ("0", 0),
        ] as [(String, UInt64)]
    ) func `times are read to the millisecond`(_ text: String, _ nanoseconds: UInt64) throws {
        #expect(try arguments("{\"T\":\(text)}").time("T") == Timestamp(nanoseconds: nanoseconds))
    }

    @Test(arguments: ["-1", "1e300", "99999999999", "253402300800"])
    func `a time that no moment stands for is refused`(_ text: String) throws {
        let arguments = try arguments("{\"T\":\(text)}")
        #expect(refusal { _ = try arguments.time("T") }?.code == .validation)
    }

    @Test(arguments: [
        ("1234567", "1234567"), (#"a\"b\\c\/d"#, #"a"b\c/d"#),
    ]) func `a password goes into locked memory as it was meant`(_ written: String, _ meant: String) throws {
        guard let secret = try arguments("{\"P\":\"\(written)\"}").secretText("P") else {
            Issue.record("there is no password")
            return
        }
        #expect(secret.withBytes { $0.array() } == Array(meant.utf8))
    }

    @Test(arguments: [#"a\n"#, #"a\u0041"#]) func `a password with other escapes is refused`(
        _ written: String
    ) throws {
        let arguments = try arguments("{\"P\":\"\(written)\"}")
        #expect(refusal { _ = try arguments.secretText("P") }?.code == .validation)
    }

    @Test func `null counts as absent`() throws {
        let arguments = try arguments(#"{"A":null,"DryRun":null,"GrantTokens":null,"Limit":null}"#)
        #expect(arguments.text("A") == nil)
        #expect(!arguments.use.isDryRun)
        #expect(arguments.use.grantTokens.isEmpty)
        #expect(arguments.page.limit == nil)
        #expect(arguments.grantConstraints == nil)
    }
}
