internal import CofferShapes
internal import CofferSystem
internal import Glibc

/// Where the peers come from: Debian's packages.
public enum PeerPackages {
    private static let peers: [(name: String, programs: [Peer.Program])] =
        Peer.all.map { ($0.name, $0.programs) } + [("SQLCipher", [SQLCipherBench.sqlcipher])]

    /// What is not installed, a sentence for each.
    static var absences: [String] {
        peers.compactMap { peer in
            let packages = peer.programs.missingPackages
            guard !packages.isEmpty else { return nil }
            return "\(peer.name) is not installed; --install gets it (\(packages.joined(separator: ", ")))"
        }
    }

    /// Gets the packages that are missing, one by one, so that one that the system does not have keeps none from coming.
    /// `notice` hears of those.
    public static func install(notice: (_ words: String) -> Void) throws {
        let packages = peers.flatMap(\.programs).missingPackages
        guard !packages.isEmpty else { return }
        let all = packages.joined(separator: " ")
        guard ChildProcess.find("apt-get") != nil else {
            throw AWSError(
                .missingRequirement,
                "cannot install \(all): this system has no apt-get",
                hint: "install what gives these programs by other means, and leave --install out"
            )
        }
        guard geteuid() == 0 else {
            throw AWSError(
                .missingRequirement,
                "cannot install \(all): only root can",
                hint: "type `sudo apt-get install --no-install-recommends \(all)`"
            )
        }
        try aptGet(["update"])
        for package in packages {
            notice("installing \(package)")
            do {
                try aptGet(["install", "--yes", "--no-install-recommends", package])
            } catch let error as AWSError {
                notice("\(package) was not installed: \(error.message)")
            }
        }
    }

    /// It is never killed, neither at a time limit nor where the bench is asked to stop: a package half installed is worse
    /// than a bench that takes long to stop. Ctrl-C reaches it, too, and it ends as it sees fit.
    private static func aptGet(_ arguments: [String]) throws {
        let outcome = try ChildProcess.runBlocking(
            "apt-get",
            ["--quiet", "--quiet"] + arguments,
            limitSeconds: nil,
            environment: ["DEBIAN_FRONTEND=noninteractive"]
        )
        try Interruption.check()
        guard outcome.code == 0 else {
            throw AWSError(
                .missingRequirement,
                "apt-get \(arguments[0]) failed: \(outcome.errors.suffix(300))",
                hint: "see whether `apt-get update` works, and whether the package's component is enabled"
            )
        }
    }

    /// The versions of what is installed, where dpkg knows them.
    static var versions: [Measurement.Labelled] {
        var labels: [Measurement.Labelled] = []
        for program in peers.flatMap(\.programs) where ChildProcess.find(program.name) != nil {
            guard !labels.contains(where: { $0.label == program.package }),
                let outcome = try? ChildProcess.runBlocking(
                    "dpkg-query",
                    ["--show", "--showformat=${Version}", program.package]
                ), outcome.code == 0
            else { continue }
            labels.append(.init(program.package, outcome.output))
        }
        return labels
    }
}
