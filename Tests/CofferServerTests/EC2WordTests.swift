import CofferShapes
import Testing

@testable import CofferServer

/// The small words of EC2: devices, filters, zones, instances.
@Suite struct EC2WordTests {
    @Test(arguments: [
        ("/dev/sdf", "sdf"), ("sdf", "sdf"), ("/dev/xvdba", "xvdba"), ("/dev/sda1", "sda1"),
        ("/dev/hdz15", "hdz15"), ("xvdh", "xvdh"),
    ]) func `a device is known without its folder`(_ text: String, _ name: String) throws {
        let device = try DeviceName(text)
        #expect(device.name == name)
        #expect(device.text == text)
    }

    @Test(arguments: [
        "", "/", "/dev/", "/dev/..", "..", "/dev/../etc/passwd", "/dev/sdf/..", "sd", "sd1", "sdabc",
        "sdf123",
        "/dev//sdf", "/DEV/sdf", "SDF", "sdf\u{0}", "sdf\n", "sdé", "sd\u{0430}", "/dev/nvme0n1", "/etc/sdf",
        "dev/sdf", "sdf ", "./sdf", "/dev/sdf\u{301}", String(repeating: "a", count: 100_000),
    ]) func `what is no device's name is refused`(_ text: String) {
        let error = refusal { _ = try DeviceName(text) }
        #expect(error?.code == .invalidParameterValue)
        #expect((error?.message.utf8.count ?? .max) < 600)
    }

    @Test(arguments: [
        ("prod", "prod", true), ("prod", "Prod", false), ("prod", "prod*", true),
        ("production", "prod*", true),
        ("production", "*", true), ("", "*", true), ("", "", true), ("x", "", false), ("abc", "a?c", true),
        ("ac", "a?c", false), ("a*c", #"a\*c"#, true), ("abc", #"a\*c"#, false), ("a?c", #"a\?c"#, true),
        (#"a\c"#, #"a\\c"#, true), (#"a\"#, #"a\"#, true), ("abab", "*ab", true), ("aba", "*ab", false),
        ("é", "?", true), ("abcde", "a*c*e", true), ("abcde", "a*d*c", false), ("a", "a**", true),
    ]) func `a pattern fits as EC2's filters do`(_ text: String, _ pattern: String, _ fits: Bool) {
        #expect(EC2Filter.fits(text, pattern: pattern) == fits)
    }

    @Test func `a hostile pattern takes no long time`() {
        let text = String(repeating: "a", count: 5000)
        let pattern = String(repeating: "*a", count: 2000) + "b"
        let start = ContinuousClock.now
        #expect(!EC2Filter.fits(text, pattern: pattern))
        #expect(ContinuousClock.now - start < .seconds(20))
    }

    @Test(arguments: [
        ("us-east-1", "use1-az1"), ("ap-southeast-2", "apse2-az1"), ("eu-central-1", "euc1-az1"),
        ("us-gov-west-1", "usgw1-az1"), ("local", "local-az1"), ("a-b-c", "abc-az1"),
    ]) func `a zone's id is made as AWS makes them`(_ region: String, _ id: String) throws {
        #expect(EC2Call.zoneID(of: try #require(Region(region))) == id)
    }

    @Test func `the host's instance keeps its id, and other homes have others`() {
        let host = HostInstance(homePath: "/a")
        #expect(host.id == HostInstance(homePath: "/a").id)
        #expect(host.id != HostInstance(homePath: "/b").id)
        #expect(host.id.utf8.count == 19)
        #expect(refusal { try host.check(host.id) } == nil)
        #expect(refusal { try host.check("i-0123456789abcdef0") }?.code.name == "InvalidInstanceID.NotFound")
        #expect(refusal { try host.check("i-12345678") }?.code.name == "InvalidInstanceID.NotFound")
        for wrong in ["", "i-", "x", "i-0123456789abcdefg", "i-0123456789abcdef01", "I-12345678"] {
            #expect(refusal { try host.check(wrong) }?.code.name == "InvalidInstanceID.Malformed", "\(wrong)")
        }
    }

    @Test func `every operation has its name and its place in the table`() {
        for operation in EC2Operation.allCases {
            #expect(EC2Operation(action: operation.name) == operation)
            #expect(EC2Inputs.members(of: operation).last?.name == "DryRun")
        }
        #expect(EC2Operation(action: "describeVolumes") == nil)
    }
}
