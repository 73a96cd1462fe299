internal import CFuse
internal import CofferBlock
internal import Glibc

/// The names and attributes of a mount, as libfuse asks for them: a folder with one file, neither of which can be
/// renamed, removed, resized or given away.
enum Metadata {
    private static let folder = fuse_ino_t(FUSE_ROOT_ID)
    static let volume: fuse_ino_t = 2
    /// How long the kernel may keep attributes, seconds: they do not change, and it drops the times after a write.
    private static let validSeconds = 3600.0

    /// libfuse's table. Whatever is not in it is answered with ENOSYS, or by `RequestServer` before it comes here.
    static var operations: fuse_lowlevel_ops {
        var table = fuse_lowlevel_ops()
        unsafe table.`init` = { _, connection in
            guard let connection = unsafe connection else { return }
            unsafe Metadata.negotiate(&connection.pointee)
        }
        unsafe table.lookup = { request, parent, name in unsafe Metadata.lookup(request, parent, name) }
        unsafe table.getattr = { request, inode, _ in unsafe Metadata.reply(request, attributesOf: inode) }
        unsafe table.setattr = { request, inode, wanted, mask, _ in
            unsafe Metadata.setAttributes(request, inode, wanted, mask)
        }
        unsafe table.readdir = { request, inode, size, offset, _ in
            unsafe Metadata.list(request, inode, size, offset)
        }
        // Nothing can be made, removed or renamed here. A read-only mount says EROFS before it asks.
        unsafe table.mknod = { request, _, _, _, _ in unsafe fuse_reply_err(request, EPERM) }
        unsafe table.mkdir = { request, _, _, _ in unsafe fuse_reply_err(request, EPERM) }
        unsafe table.create = { request, _, _, _, _ in unsafe fuse_reply_err(request, EPERM) }
        unsafe table.symlink = { request, _, _, _ in unsafe fuse_reply_err(request, EPERM) }
        unsafe table.link = { request, _, _, _ in unsafe fuse_reply_err(request, EPERM) }
        unsafe table.unlink = { request, _, _ in unsafe fuse_reply_err(request, EPERM) }
        unsafe table.rmdir = { request, _, _ in unsafe fuse_reply_err(request, EPERM) }
        unsafe table.rename = { request, _, _, _, _, _ in unsafe fuse_reply_err(request, EPERM) }
        return table
    }

    /// What is agreed with the kernel: large requests, many in flight, no splicing (every byte passes the cipher).
    private static func negotiate(_ connection: inout fuse_conn_info) {
        let wanted = UInt32(FUSE_CAP_ASYNC_READ | FUSE_CAP_ASYNC_DIO | FUSE_CAP_ATOMIC_O_TRUNC)
        let unwanted = UInt32(
            FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE | FUSE_CAP_AUTO_INVAL_DATA
                | FUSE_CAP_WRITEBACK_CACHE
        )
        connection.want = (connection.want | connection.capable & wanted) & ~unwanted
        connection.max_write = UInt32(RequestServer.transferBytes)
        connection.max_read = UInt32(RequestServer.transferBytes)
        connection.max_readahead = UInt32(RequestServer.transferBytes)
        connection.max_background = 64
        connection.congestion_threshold = 48
    }

    private static func lookup(_ request: fuse_req_t?, _ parent: fuse_ino_t, _ name: UnsafePointer<CChar>?) {
        guard parent == folder, let name = unsafe name, unsafe strcmp(name, ExposedFile.name) == 0,
            let attributes = unsafe attributes(of: volume, file(of: request))
        else {
            unsafe fuse_reply_err(request, ENOENT)
            return
        }
        var entry = fuse_entry_param()
        entry.ino = volume
        entry.attr = attributes
        entry.attr_timeout = validSeconds
        entry.entry_timeout = validSeconds
        unsafe fuse_reply_entry(request, &entry)
    }

    private static func reply(_ request: fuse_req_t?, attributesOf inode: fuse_ino_t) {
        guard var attributes = unsafe attributes(of: inode, file(of: request)) else {
            unsafe fuse_reply_err(request, ENOENT)
            return
        }
        unsafe fuse_reply_attr(request, &attributes, validSeconds)
    }

    /// Times are accepted and not kept: they are the backing file's. The size can be set to what it is.
    private static func setAttributes(
        _ request: fuse_req_t?,
        _ inode: fuse_ino_t,
        _ wanted: UnsafeMutablePointer<stat>?,
        _ mask: Int32
    ) {
        let owner = FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID
        let size = unsafe mask & FUSE_SET_ATTR_SIZE != 0 ? wanted?.pointee.st_size : nil
        let isSame = size.map { unsafe UInt64($0) == file(of: request).sizeBytes && inode == volume }
        guard mask & owner == 0, isSame != false else {
            unsafe fuse_reply_err(request, EPERM)
            return
        }
        unsafe reply(request, attributesOf: inode)
    }

    private static func list(_ request: fuse_req_t?, _ inode: fuse_ino_t, _ size: Int, _ offset: off_t) {
        guard inode == folder else {
            unsafe fuse_reply_err(request, ENOTDIR)
            return
        }
        let entries: [(name: String, inode: fuse_ino_t)] = [
            (".", folder), ("..", folder), (ExposedFile.name, volume),
        ]
        var listing = [CChar](repeating: 0, count: size)
        var used = 0
        for index in entries.indices.dropFirst(Int(offset)) {
            guard var attributes = unsafe attributes(of: entries[index].inode, file(of: request)) else {
                continue
            }
            let length = unsafe listing.withUnsafeMutableBufferPointer { buffer in
                let rest = unsafe UnsafeMutableBufferPointer(rebasing: buffer[used...])
                return unsafe fuse_add_direntry(
                    request,
                    rest.baseAddress,
                    rest.count,
                    entries[index].name,
                    &attributes,
                    off_t(index + 1)
                )
            }
            // The length is what it would take: an entry that does not fit comes with the next call.
            guard length <= size - used else { break }
            used += length
        }
        unsafe fuse_reply_buf(request, listing, used)
    }

    /// nil for an inode that there is not.
    private static func attributes(of inode: fuse_ino_t, _ file: ExposedFile) -> stat? {
        var backing = stat()
        guard unsafe fstat(file.volume.store.descriptor, &backing) == 0 else { return nil }
        var attributes = stat()
        attributes.st_ino = UInt(inode)
        (attributes.st_uid, attributes.st_gid) = file.owner
        (attributes.st_mtim, attributes.st_ctim) = (backing.st_mtim, backing.st_ctim)
        attributes.st_atim = backing.st_mtim
        attributes.st_blksize = blksize_t(file.volume.geometry.dataUnitBytes)
        switch inode {
        case folder:
            attributes.st_mode = S_IFDIR | (file.isReadOnly ? 0o500 : 0o700)
            attributes.st_nlink = 2
        case volume:
            attributes.st_mode = S_IFREG | (file.isReadOnly ? 0o400 : 0o600)
            attributes.st_nlink = 1
            attributes.st_size = off_t(file.sizeBytes)
            attributes.st_blocks = blkcnt_t(file.sizeBytes / 512)
        default: return nil
        }
        return attributes
    }

    /// The session was made with the file as its data, and holds a reference to it for as long as it lives.
    private static func file(of request: fuse_req_t?) -> ExposedFile {
        guard let data = unsafe fuse_req_userdata(request) else { fatalError("a session without its file") }
        return unsafe Unmanaged<ExposedFile>.fromOpaque(data).takeUnretainedValue()
    }
}
