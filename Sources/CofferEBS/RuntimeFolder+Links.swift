internal import CofferShapes
internal import Glibc

// Steady paths to an attached volume's file: `<runtime>/vol-…/volume`, and `<runtime>/by-device/sdf`, which is also
// `<runtime>/by-device/dev/sdf`.
extension RuntimeFolder {
    private var linkFolder: String { "\(path)/by-device" }

    /// Where the volume's file is found while it is attached, wherever it is exposed.
    func volumeLink(_ id: VolumeID) -> String { "\(folder(id))/volume" }

    /// Points both at the exposed file. They are for finding it: that one cannot be made fails nothing.
    func link(_ id: VolumeID, device: String, to exposedFile: String) {
        unsafe unlink(volumeLink(id))
        unsafe symlink(exposedFile, volumeLink(id))
        unsafe mkdir(linkFolder, 0o700)
        unsafe symlink(".", "\(linkFolder)/dev")
        let name = DeviceName.fileName(device)
        unsafe unlink("\(linkFolder)/\(name)")
        unsafe symlink("../\(id)/volume", "\(linkFolder)/\(name)")
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

    private func linkNames() -> [String] {
        guard let folder = unsafe opendir(linkFolder) else { return [] }
        defer { unsafe closedir(folder) }
        var names: [String] = []
        while let entry = unsafe readdir(folder) {
            let name = unsafe withUnsafePointer(to: entry.pointee.d_name) { name in
                unsafe String(cString: UnsafeRawPointer(name).assumingMemoryBound(to: CChar.self))
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    private func target(of link: String) -> String? {
        var bytes = [CChar](repeating: 0, count: 256)
        let count = unsafe readlink(link, &bytes, bytes.count)
        guard count > 0, count < bytes.count else { return nil }
        return String(decoding: bytes.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
