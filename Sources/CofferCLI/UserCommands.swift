internal import ArgumentParser
internal import Coffer
internal import CofferIdentity
internal import CofferShapes
internal import CofferTerminal

struct UserCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "user",
        abstract: "Users: who may ask, and for what.",
        discussion: "Users sign requests to `coffer serve` with access keys. A new user may do nothing.",
        subcommands: [
            UserCreate.self, UserList.self, UserRemove.self, AccessKeyCommand.self, UserPolicyCommand.self,
        ]
    )
}

struct UserCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Make a user; prints its ARN."
    )

    @OptionGroup var global: GlobalOptions
    @Argument(help: "The name: 1 to 64 letters, digits and +=,.@_-")
    var name: String
    @Option(help: "A path for grouping, such as /team/.")
    var path: String = "/"

    func run() async throws {
        let home = try global.openHome()
        let caller = try await global.caller(of: home)
        let user = try await home.identityService().createUser(name, path: path, caller: caller)
        switch global.output {
        case .json: try Terminal.json(["User": UserShape(user)])
        case .table: print(user.arn)
        }
    }
}

struct UserList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "ls", abstract: "List users.")

    @OptionGroup var global: GlobalOptions
    @Option(help: "Only users whose path begins so.")
    var pathPrefix: String = "/"

    func run() async throws {
        let home = try global.openHome()
        let caller = try await global.caller(of: home)
        let service = try await home.identityService()
        let users = try AllPages.of { page in
            try service.listUsers(pathPrefix: pathPrefix, page: page, caller: caller)
        }
        if global.output == .json { return try Terminal.json(["Users": users.map { UserShape($0) }]) }
        Terminal.table(
            ["USER", "PATH", "ID", "CREATED"],
            users.map { [$0.userName, $0.path, $0.userID, $0.created.iso8601] }
        )
    }
}

struct UserRemove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rm",
        abstract: "Remove a user that has neither policies nor access keys."
    )

    @OptionGroup var global: GlobalOptions
    @Argument(help: "The user's name.")
    var name: String

    func run() async throws {
        let home = try global.openHome()
        let caller = try await global.caller(of: home)
        try await home.identityService().deleteUser(name, caller: caller)
    }
}

/// All of a list that comes in parts.
enum AllPages {
    static func of<Item: Sendable>(_ part: (Page) throws -> Listing<Item>) throws -> [Item] {
        var items: [Item] = []
        var page = Page()
        repeat {
            let listing = try part(page)
            items += listing.items
            page.marker = listing.nextMarker
        } while page.marker != nil
        return items
    }
}

/// A user in JSON. (AWS IAM API reference, `User`.)
private struct UserShape: Encodable {
    let Arn: String
    let CreateDate: String
    let Path: String
    let UserId: String
    let UserName: String

    init(_ user: User) {
        Arn = user.arn.description
        CreateDate = user.created.iso8601
        Path = user.path
        UserId = user.userID
        UserName = user.userName
    }
}
