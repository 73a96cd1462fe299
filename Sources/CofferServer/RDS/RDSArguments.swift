internal import CofferShapes

/// An action's parameters, checked against what it takes, each as what it stands for.
struct RDSArguments {
    private let values: [String: RDSValue]

    init(_ form: QueryForm, of operation: RDSOperation) throws(AWSError) {
        let tree = try ParameterTree(form)
        values = try RDSDecoder.structure(tree, RDSInputs.members(of: operation), path: "")
    }

    private init(_ values: [String: RDSValue]) { self.values = values }

    // MARK: - Plain values

    func text(_ name: String) -> String? {
        guard case .text(let text)? = values[name] else { return nil }
        return text
    }

    /// The decoder has seen to it that it is there.
    func requiredText(_ name: String) throws(AWSError) -> String {
        guard let text = text(name) else { throw .missingParameter(name) }
        return text
    }

    func integer(_ name: String) -> Int? {
        guard case .integer(let number)? = values[name] else { return nil }
        return number
    }

    func flag(_ name: String) -> Bool? {
        guard case .flag(let flag)? = values[name] else { return nil }
        return flag
    }

    func time(_ name: String) -> Timestamp? {
        guard case .time(let time)? = values[name] else { return nil }
        return time
    }

    // MARK: - Lists

    /// nil where the list is not there.
    func texts(_ name: String) -> [String]? {
        guard case .list(let elements)? = values[name] else { return nil }
        return elements.compactMap { element in
            guard case .text(let text) = element else { return nil }
            return text
        }
    }

    func structures(_ name: String) -> [RDSArguments]? {
        guard case .list(let elements)? = values[name] else { return nil }
        return elements.compactMap { element in
            guard case .structure(let members) = element else { return nil }
            return RDSArguments(members)
        }
    }
}
