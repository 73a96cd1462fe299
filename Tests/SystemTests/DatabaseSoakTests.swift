import CofferTesting
import Foundation
import Testing

/// A few rounds of what `tools/database-soak` does many of: kill -9 of engines, daemons and supervisors under load, and
/// restores to random moments.
@Suite(
    .serialized,
    .mounts,
    .mountable,
    .enabled(if: geteuid() == 0, "NO DATABASE IS KILLED: ext4 on a loop device takes root")
)
struct DatabaseSoakTests {
    @Test(arguments: [("kill", 5), ("time", 3)], ["sqlite", "postgres"])
    func `no acknowledged transaction is lost, and a restore gives exactly the rows up to its moment`(
        _ mode: (name: String, rounds: Int),
        _ engine: String
    ) throws {
        let seed = UInt32.random(in: 0...UInt32.max)
        print("database-soak \(mode.name) --engine \(engine): seed \(seed)")
        let outcome = try CofferProgram.execute(
            "\(CofferProgram.repository)/tools/database-soak",
            [
                mode.name, "--engine", engine, "--rounds", "\(mode.rounds)", "--seed", "\(seed)", "--coffer",
                "\(CofferProgram.programs)/coffer",
            ],
            environment: ["PYTHONDONTWRITEBYTECODE": "1"],
            limitSeconds: 400
        )
        #expect(outcome.code == 0, "\(outcome.output)\n\(outcome.errors)")
        #expect(outcome.output.contains("\(mode.rounds) rounds, 0 wrong"), "\(outcome.output)")
    }
}
