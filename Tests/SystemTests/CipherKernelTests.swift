import CofferTesting
import CofferXTS
import Foundation
import Testing

/// What the environment may choose: another kernel of this processor, and nothing that is none.
@Suite(.serialized, .mounts, .mountable)
struct CipherKernelTests {
    @Test func `every kernel of this processor serves what another has written`() throws {
        let coffer = try CofferProgram()
        let id = try coffer.succeed("volume", "create", "--size", "4MiB")
        let written = Data((0..<1 << 20).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 7) })
        for (turn, kernel) in XTSKernel.all.enumerated() {
            let attached = try coffer.run(
                "volume",
                "attach",
                id,
                environment: [XTSKernel.environmentName: kernel.name]
            )
            #expect(attached.code == 0, "\(attached.errors)")
            let path = attached.output.trimmingCharacters(in: .whitespacesAndNewlines)
            let shown = try coffer.succeed("volume", "show", id, "--output", "json")
            #expect(shown.contains(#""\#(kernel.name)""#), "\(shown)")
            let file = try FileHandle(forUpdating: URL(fileURLWithPath: path))
            if turn == 0 {
                try file.write(contentsOf: written)
            } else {
                #expect(try file.read(upToCount: written.count) == written, "\(kernel.name)")
            }
            try file.close()
            _ = try coffer.succeed("volume", "detach", id)
        }
    }

    @Test(arguments: ["", "none", "identity", "identity-kernel-for-measurement-only", "vaes256 "])
    func `a name that is no kernel's serves nothing, and says what there is`(name: String) throws {
        let coffer = try CofferProgram()
        let id = try coffer.succeed("volume", "create", "--size", "1MiB")
        let environment = [XTSKernel.environmentName: name]
        let attached = try coffer.run("volume", "attach", id, environment: environment)
        #expect(attached.code != 0 && attached.output.isEmpty)
        #expect(attached.errors.contains(XTSKernel.environmentName) && attached.errors.contains("libcrypto"))
        #expect(Daemons.processID(volume: id) == nil)
        let doctor = try CofferProgram.execute(
            "\(CofferProgram.programs)/coffer",
            ["doctor"],
            environment: environment
        )
        #expect(doctor.output.contains(XTSKernel.environmentName))
    }
}
