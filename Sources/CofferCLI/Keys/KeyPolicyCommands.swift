internal import ArgumentParser
internal import Coffer
internal import CofferKMS
internal import CofferShapes
internal import CofferTerminal

/// A policy's file.
enum PolicyFile {
    static func read(_ path: String) throws -> String {
        let bytes = try ByteFile.read(path, limit: 128 << 10)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw AWSError(.malformedPolicyDocument, "\(path) is not UTF-8")
        }
        return text
    }
}

struct KeyPolicyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy",
        abstract: "Who may do what with a KMS key, and why.",
        subcommands: [PolicyGet.self, PolicyPut.self, PolicyExplain.self]
    )
}

struct PolicyGet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "get", abstract: "Print the key policy.")

    @OptionGroup var global: GlobalOptions
    @OptionGroup var key: KeyArgument

    func run() async throws {
        let desk = try await global.openKeys()
        let key = try await desk.resolve(key.text)
        let policy = try await desk.keys.getKeyPolicy(key, name: nil, caller: desk.caller)
        if global.output == .json { return try Terminal.json(["Policy": policy, "PolicyName": "default"]) }
        print(policy)
    }
}

struct PolicyPut: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "put",
        abstract: "Put another key policy in the place of the present one.",
        discussion: """
            A policy that would not let you change it later is refused, because then nobody may be able to: not even the \
            root user has rights that the key policy does not give.
            """
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var key: KeyArgument
    @Argument(help: "The policy's file, JSON; - is standard input.")
    var file: String
    @Flag(help: "Take a policy although it would not let you change it later.")
    var bypassLockoutCheck = false

    func run() async throws {
        let policy = try PolicyFile.read(file)
        let desk = try await global.openKeys()
        try await desk.keys.putKeyPolicy(
            try await desk.resolve(key.text),
            name: nil,
            policy: policy,
            bypassesLockoutSafetyCheck: bypassLockoutCheck,
            caller: desk.caller
        )
    }
}

struct PolicyExplain: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Say which statement allows or denies an action, or that none allows it.",
        discussion: """
            Whose action: --as USER, or the root user's. Exit code 0 when it is allowed, 3 when it is not.
              coffer key policy explain alias/app --as bob --action Decrypt --context tenant=t1
            """
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var key: KeyArgument
    @Option(help: "The action, with or without `kms:` in front.")
    var action: String
    @OptionGroup var encryption: ContextOptions
    @Option(help: ArgumentHelp("Through which service: ebs, rds or s3.", valueName: "service"))
    var via: String?

    private struct Shape: Encodable {
        let Allowed: Bool
        let Decision: String
        let NearMisses: [String]
    }

    func run() async throws {
        let context = try encryption.context()
        let service = try via.map { name in
            guard let service = AWSService(rawValue: name) else {
                throw AWSError(.invalidParameterValue, "'\(name)' is none of ebs, rds and s3")
            }
            return service
        }
        let home = try global.openHome()
        let keys = try await home.keyManagement()
        var principal = try await global.caller(of: home)
        principal.via = service
        let name = action.lowercased().hasPrefix("kms:") ? String(action.dropFirst(4)) : action
        let answer = try await keys.explain(
            name,
            on: key.reference,
            as: principal,
            context: context,
            caller: home.root
        )
        switch global.output {
        case .json:
            let shape = Shape(
                Allowed: answer.isAllowed,
                Decision: answer.verdict,
                NearMisses: answer.nearMisses
            )
            try Terminal.json(shape)
        case .table:
            print(answer.verdict)
            for miss in answer.nearMisses { print("  not \(miss)") }
        }
        if !answer.isAllowed { throw ExitCode(3) }
    }
}
