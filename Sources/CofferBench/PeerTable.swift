internal import CofferShapes
internal import CofferSystem

extension Peer {
    /// All that are known, in the order in which they are shown.
    static let all = [qemu, nbdkit, gocryptfs, cryfs, securefs]

    private static let qemuImage = Program(name: "qemu-img", package: "qemu-utils")

    /// No virtual machine runs: its storage daemon alone, which exports the disk as a file by FUSE.
    private static let qemu = Peer(
        name: "qemu, LUKS",
        cipher: "AES-256-XTS in a LUKS image, exported by qemu-storage-daemon's FUSE",
        programs: [Program(name: "qemu-storage-daemon", package: "qemu-system-common"), qemuImage]
    ) { place in
        let image = try makeLUKS(place)
        // It is mounted over a file that exists.
        let export = try place.scratch.sparseFile("\(place.name).export", sizeBytes: 0)
        let server = try place.serve(
            "qemu-storage-daemon",
            [
                "--object", secret(place),
                "--blockdev", "driver=file,node-name=file,filename=\(option(image))",
                "--blockdev", "driver=luks,node-name=luks,file=file,key-secret=passphrase",
                "--export", "type=fuse,id=export,node-name=luks,writable=on,mountpoint=\(option(export))",
            ],
            mountPoint: export
        )
        return PeerFile(path: export, serverID: server)
    }

    private static let nbdkit = Peer(
        name: "nbdkit, LUKS",
        cipher: "AES-256-XTS in a LUKS image, nbdkit's luks filter mounted by nbdfuse",
        programs: [
            Program(name: "nbdkit", package: "nbdkit"), Program(name: "nbdfuse", package: "libnbd-bin"),
            qemuImage,
        ]
    ) { place in
        let image = try makeLUKS(place)
        let folder = try place.folder("mount")
        let server = try place.serve(
            "nbdfuse",
            [
                "\(folder)/volume", "--command", "nbdkit", "--single", "--exit-with-parent", "--filter=luks",
                "file", "file=\(image)", "passphrase=+\(place.passphraseFile)",
            ],
            mountPoint: folder
        )
        return PeerFile(path: "\(folder)/volume", serverID: server)
    }

    private static let gocryptfs = Peer(
        name: "gocryptfs",
        cipher: "AES-256-GCM in blocks of 4 KiB",
        programs: [Program(name: "gocryptfs", package: "gocryptfs")]
    ) { place in
        let (store, folder) = (try place.folder("store"), try place.folder("mount"))
        try Tool.run("gocryptfs", ["-init", "-q", "-passfile", place.passphraseFile, "--", store])
        let server = try place.serve(
            "gocryptfs",
            ["-fg", "-q", "-passfile", place.passphraseFile, "--", store, folder],
            mountPoint: folder
        )
        return PeerFile(path: "\(folder)/volume", serverID: server)
    }

    private static let cryfs = Peer(
        name: "cryfs",
        cipher:
            "XChaCha20-Poly1305 in files of 16 KiB; keeps plaintext in a cache of its own, also under direct I/O",
        programs: [Program(name: "cryfs", package: "cryfs")]
    ) { place in
        let (store, folder) = (try place.folder("store"), try place.folder("mount"))
        // It takes a passphrase from standard input alone.
        let server = try place.serve(
            "sh",
            ["-c", "exec <\"$0\" cryfs \"$@\"", place.passphraseFile, "-f", store, folder],
            mountPoint: folder,
            environment: [
                "CRYFS_FRONTEND=noninteractive", "CRYFS_NO_UPDATE_CHECK=true",
                "CRYFS_LOCAL_STATE_DIR=\(try place.folder("state"))",
            ]
        )
        return PeerFile(path: "\(folder)/volume", serverID: server)
    }

    private static let securefs = Peer(
        name: "securefs",
        cipher: "AES-256-GCM in blocks of 4 KiB",
        programs: [Program(name: "securefs", package: "securefs")]
    ) { place in
        let (store, folder) = (try place.folder("store"), try place.folder("mount"))
        try Tool.run("securefs", ["create", "--keyfile", place.passphraseFile, store])
        let server = try place.serve(
            "securefs",
            ["mount", "--keyfile", place.passphraseFile, store, folder],
            mountPoint: folder
        )
        return PeerFile(path: "\(folder)/volume", serverID: server)
    }

    /// A LUKS image of the place's size, all hole.
    private static func makeLUKS(_ place: PeerPlace) throws -> String {
        let image = place.path("luks")
        // Its measurement of how many rounds a passphrase takes fails now and then, by a clock that is too coarse.
        for attempt in 1... {
            do {
                try Tool.run(
                    "qemu-img",
                    [
                        "create", "-q", "-f", "luks", "--object", secret(place), "-o",
                        "key-secret=passphrase,iter-time=100", image, "\(place.sizeBytes)",
                    ]
                )
                break
            } catch let error as AWSError where attempt < 10 && error.message.contains("accurate CPU usage") {
                continue
            }
        }
        return image
    }

    private static func secret(_ place: PeerPlace) -> String {
        "secret,id=passphrase,file=\(option(place.passphraseFile))"
    }

    /// A value in a list of qemu's options: a comma in it stands twice.
    private static func option(_ value: String) -> String { value.replacing(",", with: ",,") }
}
