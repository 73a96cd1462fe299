internal import ArgumentParser
internal import CofferKMS
internal import CofferShapes
internal import CofferTerminal

struct KeyRotate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate",
        abstract: "Give a KMS key new material now; what it encrypted before still decrypts.",
        discussion:
            "A key can be rotated so 25 times in its life. Of imported material, the new one comes first."
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var key: KeyArgument

    func run() async throws {
        let desk = try await global.openKeys()
        _ = try await desk.keys.rotateKeyOnDemand(try await desk.resolve(key.text), caller: desk.caller)
    }
}

struct KeyRotationCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotation",
        abstract: "Rotation by itself, and the rotations that there were.",
        subcommands: [RotationEnable.self, RotationDisable.self, RotationShow.self, RotationList.self]
    )
}

struct RotationEnable: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "enable",
        abstract: "Rotate a KMS key by itself from now on."
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var key: KeyArgument
    @Option(help: ArgumentHelp("How often: every 90 to 2560 days. (default: 365)", valueName: "days"))
    var every: DayCount?

    func run() async throws {
        let desk = try await global.openKeys()
        try await desk.keys.enableKeyRotation(
            try await desk.resolve(key.text),
            periodInDays: every?.days,
            caller: desk.caller
        )
    }
}

struct RotationDisable: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "disable",
        abstract: "Rotate a KMS key no more by itself."
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var key: KeyArgument

    func run() async throws {
        let desk = try await global.openKeys()
        try await desk.keys.disableKeyRotation(try await desk.resolve(key.text), caller: desk.caller)
    }
}

struct RotationShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show whether a KMS key rotates by itself, and when next."
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var key: KeyArgument

    private struct Shape: Encodable {
        let KeyId: String
        let KeyRotationEnabled: Bool
        let NextRotationDate: String?
        let RotationPeriodInDays: Int?
    }

    func run() async throws {
        let desk = try await global.openKeys()
        let key = try await desk.resolve(key.text)
        let status = try await desk.keys.getKeyRotationStatus(key, caller: desk.caller)
        if global.output == .json {
            return try Terminal.json(
                Shape(
                    KeyId: status.keyARN.description,
                    KeyRotationEnabled: status.isEnabled,
                    NextRotationDate: status.nextRotation?.iso8601,
                    RotationPeriodInDays: status.periodInDays
                )
            )
        }
        Terminal.list([
            ("Rotates by itself", status.isEnabled ? "yes" : "no"),
            ("Every", status.periodInDays.map { "\($0) days" } ?? "-"),
            ("Next", status.nextRotation?.iso8601 ?? "-"),
        ])
    }
}

struct RotationList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls",
        abstract: "List the materials of a KMS key, the first to the newest."
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var key: KeyArgument

    private struct Shape: Encodable {
        let KeyMaterialId: String
        let KeyMaterialState: String
        let RotationDate: String?
        let RotationType: String?
    }

    func run() async throws {
        let desk = try await global.openKeys()
        let key = try await desk.resolve(key.text)
        let rotations = try await desk.all { page in
            try await desk.keys.listKeyRotations(
                key,
                includesAllMaterial: true,
                page: page,
                caller: desk.caller
            )
        }
        if global.output == .json {
            return try Terminal.json([
                "Rotations": rotations.map {
                    Shape(
                        KeyMaterialId: $0.materialID,
                        KeyMaterialState: $0.materialState.rawValue,
                        RotationDate: $0.rotationDate?.iso8601,
                        RotationType: $0.kind?.rawValue
                    )
                }
            ])
        }
        Terminal.table(
            ["DATE", "TYPE", "STATE", "MATERIAL"],
            rotations.map {
                [
                    $0.rotationDate?.iso8601 ?? "-", $0.kind?.rawValue ?? "-", $0.materialState.rawValue,
                    $0.materialID,
                ]
            }
        )
    }
}
