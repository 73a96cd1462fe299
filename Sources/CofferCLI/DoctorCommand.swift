internal import ArgumentParser
internal import CofferTerminal
internal import Foundation

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Say what this machine can do, what is missing, and how to get it.",
        discussion: "Exit code 0 when volumes can be mounted here, 1 when something needed is missing."
    )

    @Option(help: "How results are printed.")
    var output: OutputFormat = .table

    func run() throws {
        let findings = Diagnosis.all()
        if output == .json {
            try Terminal.json(["Checks": findings])
        } else {
            Terminal.table(
                ["CHECK", "STATE", "DETAIL"],
                findings.map {
                    [
                        $0.Check, $0.State.rawValue,
                        [$0.Detail, $0.Hint].compactMap(\.self).joined(separator: "; "),
                    ]
                }
            )
        }
        if findings.contains(where: { $0.State == .missing }) { throw ExitCode(1) }
    }
}

/// One thing that was looked at.
struct DoctorFinding: Encodable {
    enum Level: String, Encodable {
        case ok
        /// Works without it, or less well.
        case note
        case missing
    }

    let Check: String
    let State: Level
    let Detail: String
    let Hint: String?

    init(_ check: String, _ state: Level, _ detail: String, hint: String? = nil) {
        (Check, State, Detail, Hint) = (check, state, detail, hint)
    }
}
