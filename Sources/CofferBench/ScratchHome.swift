internal import CofferShapes
internal import CofferSystem
internal import Foundation

/// A home in a scratch folder, and volumes in it, by the commands that people use.
struct ScratchHome {
    private let program: String
    private let path: String
    private let scratch: Scratch

    /// `program` is the path of `coffer`.
    init(program: String, scratch: Scratch) {
        (self.program, self.scratch) = (program, scratch)
        path = scratch.path("home")
    }

    /// Makes a volume that goes, with all that serves it, when the scratch folder does.
    func create(_ name: String, sizeBytes: Int) throws {
        scratch.atEnd {
            // Also where creating it was interrupted, or nothing is attached; a volume that is attached is not removed.
            let unmounting = try undo(["unmount", name, "--force"])
            let removal = try undo(["rm", name, "--yes"])
            guard removal.code != 0, try undo(["show", name]).code == 0 else { return }
            throw AWSError(
                .internalError,
                "the scratch volume \(name) is still there: "
                    + [unmounting, removal].filter { $0.code != 0 }.map(\.errors).joined(separator: "; ")
            )
        }
        try coffer(["create", "--name", name, "--size", "\(sizeBytes)"])
    }

    /// Gives the path of the exposed file.
    func attach(_ name: String) throws -> String { try coffer(["attach", name]) }

    func detach(_ name: String) throws { try coffer(["detach", name]) }

    func mount(_ name: String, on directory: String, options: String) throws {
        try coffer(["mount", name, directory, "-o", options])
    }

    /// The process id of the daemon that serves the volume.
    func daemon(of name: String) throws -> Int32 {
        struct Volume: Decodable {
            struct Attachment: Decodable { let ProcessId: Int32? }
            let Attachments: [Attachment]
        }
        let text = try coffer(["show", name, "--output", "json"])
        guard let volume = try? JSONDecoder().decode(Volume.self, from: Data(text.utf8)),
            let processID = volume.Attachments.first?.ProcessId
        else { throw AWSError(.internalError, "no daemon serves the scratch volume \(name)") }
        return processID
    }

    @discardableResult
    private func coffer(_ arguments: [String]) throws -> String {
        try Tool.run(program, all(arguments), environment: Self.environment)
    }

    /// Not given up when the bench is asked to stop: it is how the bench stops, and a second Ctrl-C does not reach it.
    private func undo(_ arguments: [String]) throws -> ChildProcess.Outcome {
        try ChildProcess.runBlocking(
            program,
            all(arguments),
            limitSeconds: 120,
            environment: Self.environment,
            newSession: true
        )
    }

    private func all(_ arguments: [String]) -> [String] { ["volume"] + arguments + ["--home", path] }

    /// What decides where the daemon keeps its socket, and which kernel it ciphers with.
    static let environment: [String] = ["XDG_RUNTIME_DIR", "COFFER_CIPHER_KERNEL"].compactMap { name in
        ProcessInfo.processInfo.environment[name].map { "\(name)=\($0)" }
    }
}
