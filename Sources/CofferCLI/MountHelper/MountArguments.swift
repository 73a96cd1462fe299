internal import CofferEBS

/// What a helper is called with cannot be understood.
struct MountUsage: Error {
    let sentence: String

    init(_ sentence: String) { self.sentence = sentence }
}

/// The arguments of a helper of mount(8): `SPEC DIR [-sfnv] [-N NAMESPACE] [-o OPTIONS] [-t TYPE.SUBTYPE]`. (mount(8),
/// "EXTERNAL HELPERS".)
struct MountArguments: Equatable {
    /// What is mounted, as it was given.
    var source = ""
    var directory = ""
    /// Options that are not known are passed over.
    var isSloppy = false
    /// All but the mount.
    var isFake = false
    var isVerbose = false
    /// The namespace to mount in.
    var namespace: String?
    var options: [String] = []
    /// From the type `coffer.ext4` or `coffer.xfs`.
    var filesystem: FilesystemKind?

    /// What calls for the same, in whatever namespace the caller is.
    var withoutNamespace: [String] {
        var words = [source, directory]
        if isSloppy { words.append("-s") }
        if isFake { words.append("-f") }
        if isVerbose { words.append("-v") }
        if !options.isEmpty { words += ["-o", options.joined(separator: ",")] }
        if let filesystem { words += ["-t", "coffer.\(filesystem.rawValue)"] }
        return words
    }

    static let help = """
        usage: mount.coffer VOLUME DIR [-sfnv] [-N NAMESPACE] [-o OPTIONS] [-t coffer.FILESYSTEM]
        Called by mount(8): mount -t coffer VOLUME DIR, or a line of /etc/fstab.
        options: ro, rw, home=FOLDER, region=NAME, as=USER, mkfs=ext4|xfs|none, device=NAME, kms-endpoint=URL,
          passphrase-file=FILE, pin-file=FILE, backing-io=auto|cached|direct, threads=N, no-discard, and those of ext4 and XFS
        """

    init(_ arguments: [String]) throws(MountUsage) {
        var rest = arguments[...]
        var places: [String] = []
        var onlyPlaces = false
        while let argument = rest.popFirst() {
            if onlyPlaces || !argument.hasPrefix("-") || argument == "-" {
                places.append(argument)
            } else if argument == "--" {
                onlyPlaces = true
            } else {
                try take(argument.dropFirst(), &rest)
            }
        }
        guard places.count == 2 else {
            throw MountUsage(
                "a volume and a folder are expected, not \(places.count) arguments\n" + Self.help
            )
        }
        (source, directory) = (places[0], places[1])
    }

    /// Letters of one argument; the value of one that has a value follows it, or is the next argument.
    private mutating func take(
        _ letters: Substring,
        _ rest: inout ArraySlice<String>
    ) throws(MountUsage) {
        var letters = letters
        while let letter = letters.popFirst() {
            switch letter {
            case "s": isSloppy = true
            case "f": isFake = true
            case "n": break  // There is no mtab to write.
            case "v": isVerbose = true
            case "N", "o", "t":
                guard let value = letters.isEmpty ? rest.popFirst() : String(letters) else {
                    throw MountUsage("-\(letter) needs a value\n" + Self.help)
                }
                try take(value, of: letter)
                return
            default: throw MountUsage("the option -\(letter) is unknown\n" + Self.help)
            }
        }
    }

    private mutating func take(_ value: String, of letter: Character) throws(MountUsage) {
        switch letter {
        case "N": namespace = value
        case "o": options += Self.parts(value)
        default:
            if value == "coffer" { return }
            guard value.hasPrefix("coffer."), let kind = FilesystemKind(rawValue: String(value.dropFirst(7)))
            else {
                throw MountUsage("the type \(value) is none of coffer, coffer.ext4 and coffer.xfs")
            }
            filesystem = kind
        }
    }

    /// Options between commas; a comma between double quotes parts nothing.
    private static func parts(_ text: String) -> [String] {
        var parts = [""]
        var isQuoted = false
        for character in text {
            if character == "\"" { isQuoted.toggle() }
            if character == ",", !isQuoted {
                parts.append("")
            } else {
                parts[parts.count - 1].append(character)
            }
        }
        return parts.filter { !$0.isEmpty }
    }
}
