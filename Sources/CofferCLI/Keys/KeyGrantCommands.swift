internal import ArgumentParser
internal import Coffer
internal import CofferKMS
internal import CofferShapes
internal import CofferTerminal

struct KeyGrantCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "grant",
        abstract: "Permissions on one KMS key, each for one principal.",
        subcommands: [GrantCreate.self, GrantList.self, GrantRetire.self, GrantRevoke.self]
    )
}

struct GrantCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Let a principal do some operations; prints the grant's id."
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var key: KeyArgument
    @Option(help: ArgumentHelp("Who may: a user's name or a principal's ARN.", valueName: "principal"))
    var to: String
    @Option(
        name: .customLong("allow"),
        help: ArgumentHelp("An operation, such as Decrypt; may be repeated.", valueName: "operation")
    )
    var operations: [GrantOperation]
    @Option(help: ArgumentHelp("Who may retire it.", valueName: "principal"))
    var retiring: String?
    @OptionGroup var encryption: ContextOptions
    @Flag(help: "The context must be exactly the pairs of --context, not just hold them.")
    var exactContext = false
    @Option(help: "A name, so that the same order again makes no second grant.")
    var name: String?

    func run() async throws {
        let context = try encryption.context()
        let home = try global.openHome()
        let desk = try await global.openKeys()
        let constraints =
            context.isEmpty
            ? nil
            : exactContext ? GrantConstraints(equals: context) : GrantConstraints(subset: context)
        let order = GrantOrder(
            grantee: try await home.principal(named: to).description,
            retiring: try await retiring.asyncMap { try await home.principal(named: $0).description },
            operations: operations,
            constraints: constraints,
            name: name
        )
        let answer = try await desk.keys.createGrant(
            order,
            on: try await desk.resolve(key.text),
            caller: desk.caller
        )
        switch global.output {
        case .json: try Terminal.json(["GrantId": answer.id, "GrantToken": answer.token])
        case .table: print(answer.id)
        }
    }
}

struct GrantList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls",
        abstract: "List the grants of a KMS key."
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var key: KeyArgument

    private struct Shape: Encodable {
        let CreationDate: String
        let GrantId: String
        let GranteePrincipal: String
        let Name: String
        let Operations: [String]
        let RetiringPrincipal: String?
        let Constraints: [String: EncryptionContext]?

        init(_ grant: Grant) {
            CreationDate = grant.created.iso8601
            (GrantId, GranteePrincipal) = (grant.id, grant.grantee)
            (Name, Operations) = (grant.name ?? "", grant.operations.map(\.rawValue))
            RetiringPrincipal = grant.retiring
            Constraints = grant.constraints.map { constraints in
                var shape: [String: EncryptionContext] = [:]
                shape["EncryptionContextSubset"] = constraints.subset
                shape["EncryptionContextEquals"] = constraints.equals
                return shape
            }
        }
    }

    func run() async throws {
        let desk = try await global.openKeys()
        let key = try await desk.resolve(key.text)
        let grants = try await desk.all { try await desk.keys.listGrants(key, page: $0, caller: desk.caller) }
        if global.output == .json {
            return try Terminal.json(["Grants": grants.map { Shape($0) }])
        }
        Terminal.table(
            ["GRANT", "NAME", "WHO", "OPERATIONS"],
            grants.map {
                [$0.id, $0.name ?? "-", $0.grantee, $0.operations.map(\.rawValue).joined(separator: ",")]
            }
        )
    }
}

struct GrantRetire: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retire",
        abstract: "End a grant that has done its work, as its retiring principal or its grantee."
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var key: KeyArgument
    @Argument(help: "The grant's id.")
    var grant: String

    func run() async throws {
        let desk = try await global.openKeys()
        let reference = GrantReference.id(grant, key: try await desk.resolve(key.text))
        try await desk.keys.retireGrant(reference, caller: desk.caller)
    }
}

struct GrantRevoke: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke",
        abstract: "Take a grant away, at once."
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var key: KeyArgument
    @Argument(help: "The grant's id.")
    var grant: String

    func run() async throws {
        let desk = try await global.openKeys()
        try await desk.keys.revokeGrant(grant, on: try await desk.resolve(key.text), caller: desk.caller)
    }
}

extension Optional {
    fileprivate func asyncMap<Result>(_ body: (Wrapped) async throws -> Result) async throws -> Result? {
        guard let self else { return nil }
        return try await body(self)
    }
}
