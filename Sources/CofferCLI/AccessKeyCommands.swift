internal import ArgumentParser
internal import Coffer
internal import CofferIdentity
internal import CofferSecrets
internal import CofferShapes
internal import CofferTerminal

struct AccessKeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "access-key",
        abstract: "Keys that users sign their requests with: at most two each.",
        subcommands: [
            AccessKeyCreate.self, AccessKeyList.self, AccessKeyDisable.self, AccessKeyEnable.self,
            AccessKeyRemove.self,
        ]
    )
}

struct AccessKeyCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Make an access key; its secret is shown now and never again."
    )

    @OptionGroup var global: GlobalOptions
    @Argument(help: "The user's name, or `root`; without one the key is that of whoever asks.")
    var user: String?

    func run() async throws {
        let home = try global.openHome()
        let caller = try await global.caller(of: home)
        let key = try await home.identityService().createAccessKey(
            user: AccountRoot.isMeant(by: user) ? nil : user,
            caller: caller
        )
        // From locked memory straight to the output: no string ever holds the secret.
        let (before, after) = Self.words(around: key.metadata, global.output)
        let text = SecretBytes(count: before.count + key.secret.count + after.count) { span in
            unsafe span.copy(before.span.bytes, at: 0)
            key.secret.withBytes { secret in span.copy(secret, at: before.count) }
            unsafe span.copy(after.span.bytes, at: span.byteCount - after.count)
        }
        try StandardOutput.flush()
        try text.withBytes { try ByteFile.write($0, to: "-") }
    }

    /// What stands before and after the secret. Nothing in it needs escaping: ids, names and dates are ASCII without
    /// quotes. (AWS IAM API reference, `AccessKey`.)
    private static func words(
        around key: AccessKeyMetadata,
        _ output: OutputFormat
    ) -> (before: [UInt8], after: [UInt8]) {
        let (before, after) =
            switch output {
            case .json:
                (
                    """
                    {
                      "AccessKeyId" : "\(key.accessKeyID)",
                      "CreateDate" : "\(key.created.iso8601)",
                      "SecretAccessKey" : "
                    """,
                    """
                    ",
                      "Status" : "\(key.status.rawValue)"\(key.userName.map { ",\n  \"UserName\" : \"\($0)\"" } ?? "")
                    }

                    """
                )
            case .table: ("AccessKeyId\t\(key.accessKeyID)\nSecretAccessKey\t", "\n")
            }
        return (Array(before.utf8), Array(after.utf8))
    }
}

struct AccessKeyList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls",
        abstract: "List access keys, without their secrets."
    )

    @OptionGroup var global: GlobalOptions
    @Argument(help: "The user's name; without one, whoever asks.")
    var user: String?

    func run() async throws {
        let home = try global.openHome()
        let caller = try await global.caller(of: home)
        let service = try await home.identityService()
        let keys = try AllPages.of { page in
            try service.listAccessKeys(
                user: AccountRoot.isMeant(by: user) ? nil : user,
                page: page,
                caller: caller
            )
        }
        if global.output == .json {
            return try Terminal.json(["AccessKeyMetadata": keys.map { AccessKeyShape($0) }])
        }
        Terminal.table(
            ["ACCESS KEY", "USER", "STATUS", "CREATED"],
            keys.map { [$0.accessKeyID, $0.userName ?? "-", $0.status.rawValue, $0.created.iso8601] }
        )
    }
}

/// The access key that a command is about; whose it is need not be said.
struct AccessKeyArgument: ParsableArguments {
    @Argument(help: ArgumentHelp("The access key's id.", valueName: "access-key-id"))
    var id: String

    /// The name of the user whose key it is, nil for the root user. Who may do what with it is decided by the verb.
    func userName(_ service: IdentityService) throws -> String? {
        guard let key = try service.directory.accessKey(id) else {
            throw AWSError(.noSuchEntity, "The Access Key with id \(id) cannot be found.")
        }
        return key.principal.iamUserName
    }
}

struct AccessKeyDisable: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "disable",
        abstract: "Refuse what is signed with an access key, at once and until it is enabled."
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var key: AccessKeyArgument

    func run() async throws { try await key.setStatus(.inactive, global) }
}

struct AccessKeyEnable: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "enable",
        abstract: "Let an access key be used again."
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var key: AccessKeyArgument

    func run() async throws { try await key.setStatus(.active, global) }
}

struct AccessKeyRemove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rm",
        abstract: "Remove an access key for good."
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var key: AccessKeyArgument

    func run() async throws {
        let home = try global.openHome()
        let caller = try await global.caller(of: home)
        let service = try await home.identityService()
        try service.deleteAccessKey(key.id, user: try key.userName(service), caller: caller)
    }
}

extension AccessKeyArgument {
    fileprivate func setStatus(_ status: AccessKeyStatus, _ global: GlobalOptions) async throws {
        let home = try global.openHome()
        let caller = try await global.caller(of: home)
        let service = try await home.identityService()
        try service.updateAccessKey(id, status: status, user: try userName(service), caller: caller)
    }
}

/// An access key in JSON. (AWS IAM API reference, `AccessKeyMetadata`.)
private struct AccessKeyShape: Encodable {
    let AccessKeyId: String
    let CreateDate: String
    let Status: String
    let UserName: String?

    init(_ key: AccessKeyMetadata) {
        AccessKeyId = key.accessKeyID
        CreateDate = key.created.iso8601
        Status = key.status.rawValue
        UserName = key.userName
    }
}

/// `root` on the command line: the account's root user, who is no user of IAM's.
enum AccountRoot {
    static func isMeant(by user: String?) -> Bool { user == "root" }
}
