//! A shim over SQLite's own file layer, for tests. All of its unsafe code is here.
//!
//! It is registered once as the process's default file layer, so that the product opens its databases as it always
//! does. Files in a folder that a test has put a `Disk` on are watched by that `Disk`; all others are handed to the
//! real layer and never seen again.
//!
//! Why it is sound: SQLite gives each open file `szOsFile` bytes of its own, where our head comes first and the real
//! file after it, both aligned to eight; every call on the file is answered by the real file's own methods with a
//! pointer to its own bytes. The head's two pointers are boxes that live from `open` to `close`.

use super::{Disk, Io, disk_of};
use rusqlite::ffi::{self, sqlite3_file, sqlite3_io_methods, sqlite3_vfs};
use std::ffi::{CStr, c_char, c_int, c_void};
use std::path::Path;
use std::sync::{Arc, Once};

#[repr(C, align(8))]
struct Head {
    base: sqlite3_file,
    watched: *mut Watched,
}

struct Watched {
    disk: Arc<Disk>,
    name: Arc<str>,
}

static REGISTERED: Once = Once::new();

/// Registers the shim; once is enough.
pub fn register() {
    REGISTERED.call_once(|| {
        // SAFETY: the first call finds the real default layer, which lives as long as the process; ours is leaked and
        // so does too. `Once` keeps a second registration away.
        unsafe {
            assert_eq!(ffi::sqlite3_initialize(), ffi::SQLITE_OK);
            let real = ffi::sqlite3_vfs_find(std::ptr::null());
            assert!(!real.is_null(), "SQLite has a file layer");
            let ours = Box::leak(Box::new(*real));
            ours.zName = c"countersign-test".as_ptr();
            ours.szOsFile = size_of::<Head>() as c_int + (*real).szOsFile;
            ours.pNext = std::ptr::null_mut();
            ours.xOpen = Some(open);
            ours.xDelete = Some(delete);
            assert_eq!(ffi::sqlite3_vfs_register(ours, 1), ffi::SQLITE_OK);
        }
    });
}

/// The layer below ours: looked up by name, because ours is the default now.
unsafe fn real_vfs() -> *mut sqlite3_vfs {
    let name = if cfg!(windows) { c"win32" } else { c"unix" };
    // SAFETY: a name with its end; the answer is a layer that lives as long as the process.
    unsafe { ffi::sqlite3_vfs_find(name.as_ptr()) }
}

unsafe fn name_of(path: *const c_char) -> Option<(Arc<Disk>, Arc<str>)> {
    if path.is_null() {
        return None;
    }
    // SAFETY: SQLite's names end with a zero.
    let path = unsafe { CStr::from_ptr(path) }.to_str().ok()?;
    let path = Path::new(path);
    let disk = disk_of(path.parent()?)?;
    Some((disk, path.file_name()?.to_str()?.into()))
}

unsafe extern "C" fn open(
    _: *mut sqlite3_vfs,
    path: ffi::sqlite3_filename,
    file: *mut sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: SQLite gave `file` room for our head and the real file. Without a `Disk` the whole room is the real
    // file's, which needs less.
    unsafe {
        let real_vfs = real_vfs();
        let Some(real_open) = (*real_vfs).xOpen else {
            return ffi::SQLITE_CANTOPEN;
        };
        let Some((disk, name)) = name_of(path) else {
            return real_open(real_vfs, path, file, flags, out);
        };
        (*file).pMethods = std::ptr::null();
        if let Err(code) = disk.before(Io::Open) {
            return code;
        }
        let answer = real_open(real_vfs, path, real(file), flags, out);
        if !(*real(file)).pMethods.is_null() {
            disk.opened(&name);
            (*file.cast::<Head>()).watched = Box::into_raw(Box::new(Watched { disk, name }));
            (*file).pMethods = &raw const METHODS;
        }
        answer
    }
}

unsafe extern "C" fn delete(_: *mut sqlite3_vfs, path: *const c_char, sync: c_int) -> c_int {
    // SAFETY: as SQLite called us, with the real layer's own pointer.
    unsafe {
        let watched = name_of(path);
        if let Some((disk, _)) = &watched
            && let Err(code) = disk.before(Io::Delete)
        {
            return code;
        }
        let real_vfs = real_vfs();
        let Some(real_delete) = (*real_vfs).xDelete else {
            return ffi::SQLITE_IOERR;
        };
        let answer = real_delete(real_vfs, path, sync);
        if answer == ffi::SQLITE_OK
            && let Some((disk, name)) = watched
        {
            disk.deleted(&name, sync != 0);
        }
        answer
    }
}

/// The real file, behind our head.
unsafe fn real(file: *mut sqlite3_file) -> *mut sqlite3_file {
    // SAFETY: `szOsFile` has room for both.
    unsafe { file.byte_add(size_of::<Head>()) }
}

unsafe fn watched<'f>(file: *mut sqlite3_file) -> &'f Watched {
    // SAFETY: set by `open` before SQLite can call a method, freed by `close`, after which it calls none.
    unsafe { &*(*file.cast::<Head>()).watched }
}

/// Calls the real file's method with the same arguments.
macro_rules! below {
    ($file:expr, $method:ident $(, $argument:expr)*) => {{
        // SAFETY: the real file was opened by its own layer, and its methods live as long as the process.
        unsafe {
            let real = real($file);
            match (*(*real).pMethods).$method {
                Some(method) => method(real $(, $argument)*),
                None => ffi::SQLITE_IOERR,
            }
        }
    }};
}

/// A method that is only counted, and fails when it is its turn.
macro_rules! counted {
    ($name:ident, $io:expr, $method:ident $(, $argument:ident: $type:ty)*) => {
        unsafe extern "C" fn $name(file: *mut sqlite3_file $(, $argument: $type)*) -> c_int {
            // SAFETY: a file that `open` opened.
            if let Err(code) = unsafe { watched(file) }.disk.before($io) {
                return code;
            }
            below!(file, $method $(, $argument)*)
        }
    };
}

/// A method that no disk has a part in.
macro_rules! passed {
    ($name:ident, $method:ident $(, $argument:ident: $type:ty)*) => {
        unsafe extern "C" fn $name(file: *mut sqlite3_file $(, $argument: $type)*) -> c_int {
            below!(file, $method $(, $argument)*)
        }
    };
}

counted!(read, Io::Read, xRead, into: *mut c_void, count: c_int, at: i64);
counted!(file_size, Io::Size, xFileSize, size: *mut i64);
counted!(lock, Io::Lock, xLock, level: c_int);
counted!(shm_map, Io::ShmMap, xShmMap, page: c_int, size: c_int, extend: c_int, at: *mut *mut c_void);
passed!(unlock, xUnlock, level: c_int);
passed!(check_reserved_lock, xCheckReservedLock, out: *mut c_int);
passed!(file_control, xFileControl, what: c_int, argument: *mut c_void);
passed!(sector_size, xSectorSize);
passed!(device_characteristics, xDeviceCharacteristics);
passed!(shm_unmap, xShmUnmap, delete: c_int);

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    // SAFETY: SQLite closes a file once, and uses it no more.
    drop(unsafe { Box::from_raw((*file.cast::<Head>()).watched) });
    below!(file, xClose)
}

unsafe extern "C" fn write(file: *mut sqlite3_file, from: *const c_void, count: c_int, at: i64) -> c_int {
    // SAFETY: SQLite gives `count` bytes at `from`.
    let (watched, bytes) = unsafe {
        let bytes = std::slice::from_raw_parts(from.cast::<u8>(), count as usize);
        (watched(file), bytes)
    };
    if let Err(code) = watched.disk.before(Io::Write) {
        // A disk that fills up takes the first part.
        let part = count / 2;
        if below!(file, xWrite, from, part, at) == ffi::SQLITE_OK {
            watched
                .disk
                .written(&watched.name, at as usize, &bytes[..part as usize]);
        }
        return code;
    }
    let answer = below!(file, xWrite, from, count, at);
    if answer == ffi::SQLITE_OK {
        watched.disk.written(&watched.name, at as usize, bytes);
    }
    answer
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, size: i64) -> c_int {
    // SAFETY: a file that `open` opened.
    let watched = unsafe { watched(file) };
    if let Err(code) = watched.disk.before(Io::Truncate) {
        return code;
    }
    let answer = below!(file, xTruncate, size);
    if answer == ffi::SQLITE_OK {
        watched.disk.truncated(&watched.name, size as usize);
    }
    answer
}

/// Nothing waits for the real disk: what a power cut leaves is reckoned from the log.
unsafe extern "C" fn sync(file: *mut sqlite3_file, _: c_int) -> c_int {
    // SAFETY: a file that `open` opened.
    let watched = unsafe { watched(file) };
    if let Err(code) = watched.disk.before(Io::Sync) {
        return code;
    }
    watched.disk.synced(&watched.name);
    ffi::SQLITE_OK
}

unsafe extern "C" fn shm_lock(file: *mut sqlite3_file, from: c_int, count: c_int, flags: c_int) -> c_int {
    // Letting go never fails, and SQLite does not ask whether it did.
    if flags & ffi::SQLITE_SHM_LOCK != 0
        // SAFETY: a file that `open` opened.
        && let Err(code) = unsafe { watched(file) }.disk.before(Io::ShmLock)
    {
        return code;
    }
    below!(file, xShmLock, from, count, flags)
}

unsafe extern "C" fn shm_barrier(file: *mut sqlite3_file) {
    // SAFETY: as in `below!`; this method answers nothing.
    unsafe {
        let real = real(file);
        if let Some(barrier) = (*(*real).pMethods).xShmBarrier {
            barrier(real);
        }
    }
}

static METHODS: sqlite3_io_methods = sqlite3_io_methods {
    // Without memory-mapped pages, which would pass us by.
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};
