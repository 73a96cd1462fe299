internal import CofferJSON

extension PolicyParser {
    // MARK: - Principal and NotPrincipal

    /// nil in an identity policy, which must name no principal.
    func principals(of element: JSONValue, _ path: String) throws(PolicyError) -> PrincipalList? {
        guard kind == .resource else {
            for name in ["Principal", "NotPrincipal"] {
                guard let value = element[name] else { continue }
                throw error(
                    "an identity policy names no principal: it is whoever has it",
                    value,
                    "\(path).\(name)"
                )
            }
            return nil
        }
        let (found, isNegated) = try either("Principal", "NotPrincipal", of: element, path)
        return PrincipalList(try principalNames(found.value, found.path), isNegated: isNegated)
    }

    private func principalNames(
        _ element: JSONValue,
        _ path: String
    ) throws(PolicyError) -> [PolicyPrincipalName] {
        if element.string == "*" { return [.everyone] }
        guard let members = element.members, !members.isEmpty else {
            throw error("a principal is * or an object such as {\"AWS\": …}", element, path)
        }
        var names: [PolicyPrincipalName] = []
        for member in members {
            let path = "\(path).\(member.name)"
            guard ["AWS", "Service", "Federated", "CanonicalUser"].contains(member.name) else {
                throw error("a principal is of AWS, Service, Federated or CanonicalUser", member.key, path)
            }
            for text in try strings(member.value, path) {
                guard let name = Self.principalName(text.text, member.name) else {
                    throw PolicyError(
                        "no such principal can be",
                        at: document.place(of: text.value.offset),
                        path: text.path,
                        isAboutPrincipal: true
                    )
                }
                names.append(name)
            }
        }
        return names
    }

    private static func principalName(_ text: String, _ kind: String) -> PolicyPrincipalName? {
        switch kind {
        case "AWS": PolicyPrincipalName(aws: text)
        case "Service": isHostName(text) ? .service(text) : nil
        case "CanonicalUser":
            text.utf8.count == 64 && text.allSatisfy { $0.isASCII && $0.isHexDigit }
                ? .canonicalUser(text) : nil
        default:
            text.hasPrefix("arn:") && !text.contains("*") && !text.contains("?") || isHostName(text)
                ? .federated(text) : nil
        }
    }

    /// Such as `ec2.amazonaws.com`.
    private static func isHostName(_ text: String) -> Bool {
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        return labels.count >= 2
            && labels.allSatisfy { label in
                !label.isEmpty && label.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }
            }
    }

    // MARK: - Condition

    func conditions(
        _ element: JSONValue,
        _ version: PolicyDocument.Version,
        _ path: String
    ) throws(PolicyError) -> [Condition] {
        guard let blocks = element.members else { throw error("an object should stand here", element, path) }
        var conditions: [Condition] = []
        for block in blocks {
            let path = "\(path).\(block.name)"
            guard let `operator` = ConditionOperator(block.name) else {
                throw error("an unknown condition operator", block.key, path)
            }
            guard let lines = block.value.members else {
                throw error("an object of condition keys should stand here", block.value, path)
            }
            for line in lines {
                let path = "\(path).\(line.name)"
                guard Self.isConditionKey(line.name) else {
                    throw error("a condition key has a prefix, such as aws:SourceIp", line.key, path)
                }
                var (wanted, texts): ([WantedValue], [String]) = ([], [])
                for value in try list(line.value, path, scalar) {
                    do {
                        wanted.append(
                            try WantedValue(value.text, `operator`.base, variables: version == .v2012)
                        )
                    } catch {
                        throw self.error(error.sentence, value.value, value.path)
                    }
                    texts.append(value.text)
                }
                conditions.append(
                    Condition(
                        operator: `operator`,
                        operatorText: block.name,
                        key: line.name,
                        lowercaseKey: line.name.lowercased(),
                        wanted: wanted,
                        wantedTexts: texts
                    )
                )
            }
        }
        return conditions
    }

    /// A service's prefix, a colon, and a name.
    private static func isConditionKey(_ text: String) -> Bool {
        let prefix = text.prefix { $0 != ":" }
        return !prefix.isEmpty && prefix.utf8.count + 1 < text.utf8.count
            && prefix.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }
    }

    /// Values may be written as strings, numbers or booleans.
    private func scalar(_ element: JSONValue, _ path: String) throws(PolicyError) -> String {
        if let text = element.string ?? element.numberText { return text }
        guard let flag = element.bool else {
            throw error("a string, a number or a boolean should stand here", element, path)
        }
        return flag ? "true" : "false"
    }
}
