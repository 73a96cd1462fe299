internal import CofferJSON

/// Reads a policy's elements. `path` goes along for messages.
struct PolicyParser {
    let document: JSONDocument
    let kind: PolicyDocument.Kind

    func parse() throws(PolicyError) -> (PolicyDocument.Version, String?, [Statement]) {
        let root = document.root
        let members = try members(of: root, at: "", known: ["Version", "Id", "Statement"])
        var version = PolicyDocument.Version.v2008
        if let element = root["Version"] {
            guard let known = element.string.flatMap(PolicyDocument.Version.init(rawValue:)) else {
                throw error("the version is 2012-10-17 or 2008-10-17", element, "Version")
            }
            version = known
        }
        var id: String?
        if let element = root["Id"] { id = try string(element, "Id") }
        guard let element = members.first(where: { $0.name == "Statement" })?.value else {
            throw error("a policy has a Statement", root, "")
        }
        return (version, id, try statements(element, version))
    }

    private func statements(
        _ element: JSONValue,
        _ version: PolicyDocument.Version
    ) throws(PolicyError) -> [Statement] {
        guard let elements = element.elements else {
            return [try statement(element, version, "Statement")]
        }
        guard !elements.isEmpty else {
            throw error("a policy has at least one statement", element, "Statement")
        }
        var statements: [Statement] = []
        var sids = Set<String>()
        for (index, element) in elements.enumerated() {
            let path = "Statement[\(index)]"
            let statement = try statement(element, version, path)
            if kind == .identity, let sid = statement.sid, !sids.insert(sid).inserted {
                throw error("another statement has the same Sid", element["Sid"] ?? element, "\(path).Sid")
            }
            statements.append(statement)
        }
        return statements
    }

    private func statement(
        _ element: JSONValue,
        _ version: PolicyDocument.Version,
        _ path: String
    ) throws(PolicyError) -> Statement {
        _ = try members(
            of: element,
            at: path,
            known: [
                "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource",
                "NotResource", "Condition",
            ]
        )
        guard let effectElement = element["Effect"] else {
            throw error("a statement has an Effect", element, path)
        }
        guard let effect = effectElement.string.flatMap(PolicyEffect.init(rawValue:)) else {
            throw error("the effect is Allow or Deny", effectElement, "\(path).Effect")
        }
        let sid = try element["Sid"].map { (value) throws(PolicyError) in try self.sid(value, "\(path).Sid") }
        let principals = try principals(of: element, path)

        let (actions, hasNotAction) = try either("Action", "NotAction", of: element, path)
        var compiledActions: [Glob] = []
        for text in try strings(actions.value, actions.path) {
            compiledActions.append(try action(text.text, text.value, text.path))
        }

        let (resources, hasNotResource) = try either("Resource", "NotResource", of: element, path)
        var compiledResources: [TextPattern] = []
        for text in try strings(resources.value, resources.path) {
            compiledResources.append(try resource(text.text, version, text.value, text.path))
        }

        return Statement(
            sid: sid.flatMap { $0.isEmpty ? nil : $0 },
            effect: effect,
            principals: principals,
            actions: compiledActions,
            hasNotAction: hasNotAction,
            resources: compiledResources,
            hasNotResource: hasNotResource,
            conditions: try element["Condition"].map { (value) throws(PolicyError) in
                try conditions(value, version, "\(path).Condition")
            } ?? []
        )
    }

    /// IAM takes letters and digits; the services that keep resource policies take any text, as that of AWS's own
    /// default key policy has spaces.
    private func sid(_ element: JSONValue, _ path: String) throws(PolicyError) -> String {
        let sid = try string(element, path)
        let isPlain = sid.unicodeScalars.allSatisfy {
            $0.isASCII && ($0.properties.isAlphabetic || "0"..."9" ~= $0)
        }
        guard isPlain || kind == .resource else {
            throw error("a Sid in an identity policy is made of letters and digits", element, path)
        }
        return sid
    }

    /// A service's prefix and an operation, which alone may have wildcards; or `*` for all.
    private func action(_ text: String, _ element: JSONValue, _ path: String) throws(PolicyError) -> Glob {
        let halves = text.split(separator: ":", omittingEmptySubsequences: false)
        let isAction =
            text == "*" || text == "*:*"
            || halves.count == 2 && !halves[0].isEmpty && !halves[1].isEmpty
                && halves[0].utf8.allSatisfy { Self.isLetterOrDigit($0) || $0 == UInt8(ascii: "-") }
                && halves[1].utf8.allSatisfy { Self.isLetterOrDigit($0) || "*?-_".utf8.contains($0) }
        guard isAction else {
            throw error("an action is a service and an operation, such as kms:Decrypt, or *", element, path)
        }
        return Glob(Glob.units(wild: text), foldsCase: true)
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20)
    }

    /// An ARN, whose wildcards may stand for several of its sections, or `*`; with variables.
    private func resource(
        _ text: String,
        _ version: PolicyDocument.Version,
        _ element: JSONValue,
        _ path: String
    ) throws(PolicyError) -> TextPattern {
        let colons = text.utf8.count { $0 == UInt8(ascii: ":") }
        guard text == "*" || text.hasPrefix("arn:") && (colons >= 5 || text.contains("*")) else {
            throw error("a resource is an ARN, with wildcards perhaps, or *", element, path)
        }
        do {
            return TextPattern(try Template(text, wild: true, variables: version == .v2012))
        } catch {
            throw self.error(error.sentence, element, path)
        }
    }

    // MARK: - Elements

    func error(_ sentence: String, _ element: JSONValue, _ path: String) -> PolicyError {
        PolicyError(sentence, at: document.place(of: element.offset), path: path)
    }

    /// The members of an object, all of whose names are known.
    private func members(
        of element: JSONValue,
        at path: String,
        known: Set<String>
    ) throws(PolicyError) -> [JSONMember] {
        guard let members = element.members else { throw error("an object should stand here", element, path) }
        for member in members where !known.contains(member.name) {
            throw error(
                "an unknown element",
                member.key,
                path.isEmpty ? member.name : "\(path).\(member.name)"
            )
        }
        return members
    }

    /// The one of two elements that is there; exactly one has to be.
    func either(
        _ name: String,
        _ negated: String,
        of element: JSONValue,
        _ path: String
    ) throws(PolicyError) -> (found: (value: JSONValue, path: String), isNegated: Bool) {
        switch (element[name], element[negated]) {
        case (let value?, nil): ((value, "\(path).\(name)"), false)
        case (nil, let value?): ((value, "\(path).\(negated)"), true)
        case (nil, nil): throw error("a statement has \(name) or \(negated)", element, path)
        case (_?, let value?):
            throw error("a statement has \(name) or \(negated), not both", value, "\(path).\(negated)")
        }
    }

    func string(_ element: JSONValue, _ path: String) throws(PolicyError) -> String {
        guard let text = element.string else { throw error("a string should stand here", element, path) }
        return text
    }

    /// A string, or an array of at least one.
    func strings(
        _ element: JSONValue,
        _ path: String
    ) throws(PolicyError) -> [(text: String, value: JSONValue, path: String)] {
        try list(element, path) { (value, path) throws(PolicyError) in try string(value, path) }
    }

    /// One value, or an array of at least one.
    func list(
        _ element: JSONValue,
        _ path: String,
        _ read: (JSONValue, String) throws(PolicyError) -> String
    ) throws(PolicyError) -> [(text: String, value: JSONValue, path: String)] {
        guard let elements = element.elements else { return [(try read(element, path), element, path)] }
        guard !elements.isEmpty else { throw error("an empty list says nothing", element, path) }
        var values: [(text: String, value: JSONValue, path: String)] = []
        for (index, element) in elements.enumerated() {
            let path = "\(path)[\(index)]"
            values.append((try read(element, path), element, path))
        }
        return values
    }
}
