internal import CofferShapes

/// An action's parameters, checked against what it takes, each as what it stands for.
struct EC2Arguments {
    private let values: [String: EC2Value]

    /// Throws UnknownParameter for names that the action does not have, before all else; then, in the order of its
    /// parameters, MissingParameter or InvalidParameterValue.
    init(_ form: QueryForm, of operation: EC2Operation) throws(AWSError) {
        let tree = try ParameterTree(form)
        values = try EC2Decoder.structure(tree, EC2Inputs.members(of: operation), path: "")
    }

    init(_ values: [String: EC2Value]) { self.values = values }

    // MARK: - Plain values

    func text(_ name: String) -> String? {
        guard case .text(let text)? = values[name] else { return nil }
        return text
    }

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

    func structure(_ name: String) -> EC2Arguments? {
        guard case .structure(let members)? = values[name] else { return nil }
        return EC2Arguments(members)
    }

    // MARK: - Lists

    private func elements(_ name: String) -> [EC2Value] {
        guard case .list(let elements)? = values[name] else { return [] }
        return elements
    }

    func texts(_ name: String) -> [String] {
        elements(name).compactMap { element in
            guard case .text(let text) = element else { return nil }
            return text
        }
    }

    func structures(_ name: String) -> [EC2Arguments] {
        elements(name).compactMap { element in
            guard case .structure(let members) = element else { return nil }
            return EC2Arguments(members)
        }
    }

    var isDryRun: Bool { flag("DryRun") ?? false }
}
