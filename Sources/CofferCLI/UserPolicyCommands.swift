internal import ArgumentParser
internal import Coffer
internal import CofferIdentity
internal import CofferShapes
internal import CofferTerminal
internal import Foundation

struct UserPolicyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy",
        abstract: "What a user may do.",
        discussion: "A policy is JSON in the language of AWS IAM, and part of one user.",
        subcommands: [UserPolicyPut.self, UserPolicyGet.self, UserPolicyList.self, UserPolicyRemove.self]
    )
}

/// The user's policy that a command is about.
struct UserPolicyArguments: ParsableArguments {
    @Argument(help: "The user's name.")
    var user: String
    @Argument(help: "The policy's name.")
    var policy: String
}

struct UserPolicyPut: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "put",
        abstract: "Give a user a policy, or put another in its place."
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var target: UserPolicyArguments
    @Argument(help: "A file with the policy's JSON; - is standard input.")
    var file: String

    func run() async throws {
        let bytes = try ByteFile.read(file, limit: 128 << 10)
        guard let document = String(validating: bytes, as: UTF8.self) else {
            throw AWSError(.malformedPolicy, "\(file) is not UTF-8")
        }
        let home = try global.openHome()
        let caller = try await global.caller(of: home)
        try await home.identityService().putUserPolicy(
            target.policy,
            document: document,
            user: target.user,
            caller: caller
        )
    }
}

struct UserPolicyGet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get",
        abstract: "Print a policy as it was put."
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var target: UserPolicyArguments

    func run() async throws {
        let home = try global.openHome()
        let caller = try await global.caller(of: home)
        let document = try await home.identityService().getUserPolicy(
            target.policy,
            user: target.user,
            caller: caller
        )
        guard global.output == .json else { return print(document) }
        // The policy itself, as AWS's own command prints it, and not a string of JSON within JSON.
        let shape: [String: Any] = [
            "PolicyDocument": try JSONSerialization.jsonObject(with: Data(document.utf8)),
            "PolicyName": target.policy, "UserName": target.user,
        ]
        let text = try JSONSerialization.data(
            withJSONObject: shape,
            options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        )
        print(String(decoding: text, as: UTF8.self))
    }
}

struct UserPolicyList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls",
        abstract: "List the names of a user's policies."
    )

    @OptionGroup var global: GlobalOptions
    @Argument(help: "The user's name.")
    var user: String

    func run() async throws {
        let home = try global.openHome()
        let caller = try await global.caller(of: home)
        let service = try await home.identityService()
        let names = try AllPages.of { page in
            try service.listUserPolicies(user: user, page: page, caller: caller)
        }
        if global.output == .json { return try Terminal.json(["PolicyNames": names]) }
        Terminal.table(["POLICY"], names.map { [$0] })
    }
}

struct UserPolicyRemove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rm",
        abstract: "Take a policy from a user, at once."
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var target: UserPolicyArguments

    func run() async throws {
        let home = try global.openHome()
        let caller = try await global.caller(of: home)
        try await home.identityService().deleteUserPolicy(
            target.policy,
            user: target.user,
            caller: caller
        )
    }
}
