import CofferTesting
import Foundation
import Testing

/// Kill -9 of commands and daemons at random points. By hand there are more rounds of it: `tools/kill-soak`.
@Suite(
    .serialized,
    .mounts,
    .mountable,
    .enabled(if: geteuid() == 0, "NO KILL IS TESTED: loop devices and frozen filesystems take root")
)
struct KillTests {
    @Test
    func `after kill -9 at 20 random points volumes attach, snapshots restore, and nothing stays`()
        throws
    {
        let seed = UInt32.random(in: 0...UInt32.max)
        print("kill-soak: seed \(seed)")
        let outcome = try CofferProgram.execute(
            "\(CofferProgram.repository)/tools/kill-soak",
            [
                "--rounds", "20", "--jobs", "2", "--seed", "\(seed)", "--coffer",
                "\(CofferProgram.programs)/coffer",
            ],
            environment: ["PYTHONDONTWRITEBYTECODE": "1"],
            limitSeconds: 300
        )
        #expect(outcome.code == 0, "\(outcome.output)\n\(outcome.errors)")
        #expect(outcome.output.contains("20 rounds, 0 wrong"), "\(outcome.output)")
    }
}
