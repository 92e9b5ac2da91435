//! Why the kernel refuses an operation on an element, by its error number and the map's type.

use crate::sys::Errno;
use crate::sys::elem::{self, Shape};
use crate::sys::uapi::*;
use crate::{Error, cpus};

impl Error {
    /// The kernel's error number, and what it means for a map of this shape.
    pub(crate) fn refused(self, errno: Errno, shape: Shape) -> Error {
        let meaning = meaning(self.operation(), errno, shape, elem::knows_the_kernels_cpus());
        let error = self.errno_is(errno);
        match meaning {
            Some(meaning) => error.hint(meaning),
            None => error,
        }
    }
}

/// `knows_cpus`: the number of CPUs is the kernel's, so that it is not the reason.
fn meaning(operation: &str, errno: Errno, shape: Shape, knows_cpus: bool) -> Option<String> {
    use Errno as E;
    let is_array = matches!(shape.map_type, BPF_MAP_TYPE_ARRAY | BPF_MAP_TYPE_PERCPU_ARRAY);
    let is_cgroup_storage = matches!(shape.map_type, BPF_MAP_TYPE_CGROUP_STORAGE | BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE);
    let entries = shape.max_entries;
    Some(match errno {
        E::E2BIG if is_array => format!("the array has {entries} elements, whose indexes begin with 0"),
        E::E2BIG => format!("the map is full: it has room for {entries} elements (max_entries)"),
        E::EEXIST if is_array => "an array has all its elements from the start".into(),
        E::EEXIST => "there is an element at this key already".into(),
        E::ENOENT if is_cgroup_storage => {
            "a cgroup has an element as long as a program that uses the map is attached to it".into()
        }
        E::ENOENT => "there is no element at this key".into(),
        E::EINVAL if operation.starts_with("delete") && (is_array || is_cgroup_storage) => {
            "elements of this type of map cannot be deleted".into()
        }
        E::EPERM => {
            "the map is frozen, its descriptor was opened for reading or writing only, or this process lacks CAP_BPF"
                .into()
        }
        E::EBUSY => "a program on this CPU is changing the same part of the map: try again".into(),
        E::ENOTSUPP => "this type of map has no such operation".into(),
        E::EFAULT if shape.per_cpu() && !knows_cpus => {
            let count = cpus::width().unwrap_or(0);
            let of_cpus = if count == 1 { "CPU" } else { "CPUs" };
            format!("{} lists {count} {of_cpus}, and the kernel has another number of them", cpus::POSSIBLE)
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_means_different_things_to_different_maps() {
        let shape = |map_type| Shape { map_type, key_size: 4, value_size: 4, max_entries: 16, map_flags: MapFlags(0) };
        let told_of =
            |operation, errno, map_type| meaning(operation, errno, shape(map_type), false).unwrap_or_default();
        let told = |errno, map_type| told_of("update map", errno, map_type);
        // Once the number of CPUs is known to be the kernel's, it is no reason.
        assert_eq!(meaning("update map", Errno::EFAULT, shape(BPF_MAP_TYPE_PERCPU_HASH), true), None);
        assert!(told_of("delete from map", Errno::EINVAL, BPF_MAP_TYPE_ARRAY).contains("cannot be deleted"));
        for (errno, map_type, words) in [
            (Errno::E2BIG, BPF_MAP_TYPE_PERCPU_ARRAY, "the array has 16 elements"),
            (Errno::E2BIG, BPF_MAP_TYPE_QUEUE, "room for 16 elements"),
            (Errno::ENOENT, BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE, "is attached to it"),
            (Errno::ENOENT, BPF_MAP_TYPE_HASH, "no element at this key"),
            (Errno::EEXIST, BPF_MAP_TYPE_ARRAY, "from the start"),
            (Errno::EPERM, BPF_MAP_TYPE_ARRAY, "frozen"),
            (Errno::EPERM, BPF_MAP_TYPE_HASH, "CAP_BPF"),
            // A lock that the values do not have, say.
            (Errno::EINVAL, BPF_MAP_TYPE_ARRAY, ""),
            (Errno::EIO, BPF_MAP_TYPE_ARRAY, ""),
            (Errno::EFAULT, BPF_MAP_TYPE_PERCPU_HASH, "the kernel has another number of them"),
            (Errno::EFAULT, BPF_MAP_TYPE_HASH, ""),
        ] {
            let told = told(errno, map_type);
            assert!(told.contains(words) && told.is_empty() == words.is_empty(), "{errno:?} {map_type}: {told:?}");
        }
    }
}
