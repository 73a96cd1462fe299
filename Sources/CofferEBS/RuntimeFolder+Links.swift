internal import CofferShapes
internal import CofferSystem
internal import Glibc

// Steady paths to an attached volume's file: `<runtime>/vol-…/volume`, and `<runtime>/by-device/sdf`, which is also
// `<runtime>/by-device/dev/sdf`.
extension RuntimeFolder {
    static let linkFolderName = "by-device"
    private var linkFolder: String { "\(path)/\(Self.linkFolderName)" }

    /// Where the volume's file is found while it is attached, wherever it is exposed.
    func volumeLink(_ id: VolumeID) -> String { "\(folder(id))/volume" }

    func deviceLink(_ device: String) -> String { "\(linkFolder)/\(DeviceName.fileName(device))" }

    /// Points both at the exposed file. They are for finding it: that one cannot be made fails nothing.
    func link(_ id: VolumeID, device: String, to exposedFile: String) {
        unsafe unlink(volumeLink(id))
        unsafe symlink(exposedFile, volumeLink(id))
        unsafe mkdir(linkFolder, 0o700)
        unsafe symlink(".", "\(linkFolder)/dev")
        unsafe unlink(deviceLink(device))
        unsafe symlink("../\(id)/volume", deviceLink(device))
    }

    /// Takes away all links to the volume.
    func removeLinks(_ id: VolumeID) {
        unsafe unlink(volumeLink(id))
        for name in linkNames() where target(of: "\(linkFolder)/\(name)") == "../\(id)/volume" {
            unsafe unlink("\(linkFolder)/\(name)")
        }
    }

    /// Takes the folder of links away where none is left in it.
    func removeLinkFolder() {
        guard linkNames().allSatisfy({ $0 == "dev" }) else { return }
        unsafe unlink("\(linkFolder)/dev")
        unsafe rmdir(linkFolder)
    }

    /// The links by device, each with the volume that it leads to; nil for what is no such link.
    func deviceLinks() throws -> [(path: String, volume: VolumeID?)] {
        try FolderNames.sorted(in: linkFolder).compactMap { name in
            let path = "\(linkFolder)/\(name)"
            let target = target(of: path)
            if name == "dev", target == "." { return nil }
            let parts = target?.split(separator: "/") ?? []
            guard parts.count == 3, parts[0] == "..", parts[2] == "volume" else { return (path, nil) }
            return (path, VolumeID(String(parts[1])))
        }
    }

    private func linkNames() -> [String] { (try? FolderNames.sorted(in: linkFolder)) ?? [] }

    private func target(of link: String) -> String? {
        var bytes = [CChar](repeating: 0, count: 256)
        let count = unsafe readlink(link, &bytes, bytes.count)
        guard count > 0, count < bytes.count else { return nil }
        return String(decoding: bytes.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
