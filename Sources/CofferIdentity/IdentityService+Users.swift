internal import CofferCatalog
public import CofferShapes

// Users.
extension IdentityService {
    /// Makes a user, who may do nothing yet. `path` begins and ends with a slash. (IAM `CreateUser`)
    public func createUser(_ name: String, path: String = "/", caller: Caller) throws -> User {
        try change("CreateUser", ["userName": name, "path": path], caller) { commit in
            try IdentityNames.check(userName: name)
            try IdentityNames.check(path: path)
            let user = UserRecord(
                id: AccessKeyMaking.userID(random),
                name: name,
                path: path,
                created: clock.now
            )
            let arn = directory.arn(of: user).description
            try authorise("iam:CreateUser", on: arn, shown: arn, caller)
            try commit { rows in
                guard try !rows.hasUser(like: name) else { throw IdentityRefusal.userExists(name) }
                guard try rows.userCount() < IdentityLimits.users else {
                    throw IdentityRefusal.quota("UsersPerAccount", IdentityLimits.users)
                }
                try rows.insert(user)
            }
            return answer(user)
        }
    }

    /// A user; without a name the caller, where that is one: the root user is none. (IAM `GetUser`)
    public func getUser(_ name: String? = nil, caller: Caller) throws -> User {
        try read("GetUser", ["userName": name], caller) {
            switch try subject(name, for: "iam:GetUser", caller) {
            case .user(let user): return answer(user)
            case .root: throw IdentityRefusal.rootIsNoUser
            }
        }
    }

    /// The users whose path begins with `pathPrefix`, by name. (IAM `ListUsers`)
    public func listUsers(
        pathPrefix: String = "/",
        page: Page = Page(),
        caller: Caller
    ) throws -> Listing<User> {
        try read("ListUsers", ["pathPrefix": pathPrefix], caller) {
            try IdentityNames.check(pathPrefix: pathPrefix)
            let resource = "arn:aws:iam::\(account):user\(pathPrefix)"
            try authorise("iam:ListUsers", on: resource, shown: resource, caller)
            let users = try catalog.readIdentities { try $0.users(pathPrefix: pathPrefix) }
            return try IdentityPagination.part(users.map(answer), page) { $0.userName }
        }
    }

    /// Removes a user that has neither policies nor access keys left. (IAM `DeleteUser`)
    public func deleteUser(_ name: String, caller: Caller) throws {
        try change("DeleteUser", ["userName": name], caller) { commit in
            let user = try user(name, for: "iam:DeleteUser", caller)
            try commit { rows in
                guard try rows.user(id: user.id) != nil else { throw IdentityRefusal.noUser(name) }
                guard try rows.policies(ofUser: user.id).isEmpty else { throw IdentityRefusal.hasPolicies }
                guard try rows.accessKeys(ofUser: user.id).isEmpty else {
                    throw IdentityRefusal.hasAccessKeys
                }
                try rows.removeUser(id: user.id)
            }
        }
    }

    private func answer(_ user: UserRecord) -> User {
        User(
            path: user.path,
            userName: user.name,
            userID: user.id,
            arn: directory.arn(of: user),
            created: user.created
        )
    }
}
